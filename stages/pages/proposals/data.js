"use strict";
// Data files are scripts that call put(): a page opened from a disk may load no JSON. Each file is loaded once.

const loaded = new Map();
const requested = new Map();

function put(key, value) {
  loaded.set(key, value);
}

function load(key) {
  if (!requested.has(key)) {
    requested.set(key, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `data/${key}.js`;
      script.onload = () => resolve(loaded.get(key));
      script.onerror = () => {
        requested.delete(key);
        reject(new Error(`data/${key}.js cannot be loaded`));
      };
      document.head.append(script);
    }));
  }
  return requested.get(key);
}

const digits = (number, length) => String(number).padStart(length, "0");

// All ids, labels and scores, a list for each photo in order of position.
async function loadIndex(overview) {
  const shards = Math.ceil(overview.photos / overview.shard);
  const parts = await Promise.all(
    Array.from({ length: shards }, (_, shard) => load(`index-${digits(shard, 4)}`)));
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
  return `${kind}/${digits(Math.floor(position / overview.shard), 4)}/${digits(position, 6)}.webp`;
}
