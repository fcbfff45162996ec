"use strict";
// Data come as scripts that call put(): a page on a disk may load no JSON. Each file is asked for once.

const arrived = new Map();
const asked = new Map();

function put(key, value) {
  arrived.set(key, value);
}

function load(key) {
  if (!asked.has(key)) {
    asked.set(key, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `data/${key}.js`;
      script.onload = () => resolve(arrived.get(key));
      script.onerror = () => {
        asked.delete(key);
        reject(new Error(`data/${key}.js cannot be read`));
      };
      document.head.append(script);
    }));
  }
  return asked.get(key);
}

const digits = (number, length) => String(number).padStart(length, "0");

// All ids, labels and scores, a list for each photo in order of position.
async function loadIndex(overview) {
  const shelves = Math.ceil(overview.photos / overview.shelf);
  const parts = await Promise.all(
    Array.from({ length: shelves }, (_, shelf) => load(`index-${digits(shelf, 4)}`)));
  const all = (name) => parts.flatMap((part) => part[name]);
  return { ids: all("ids"), labels: all("labels"), scores: all("scores") };
}

async function loadPhoto(overview, position) {
  return (await load(`photos-${digits(Math.floor(position / overview.chunk), 5)}`))[position % overview.chunk];
}

async function loadDetails(overview, position) {
  return (await load(`details-${digits(Math.floor(position / overview.chunk), 5)}`))[position % overview.chunk];
}

function picture(overview, kind, position) {
  return `${kind}/${digits(Math.floor(position / overview.shelf), 4)}/${digits(position, 6)}.webp`;
}
