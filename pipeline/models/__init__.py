"""Which teacher, backbone and detector the params mean on this machine, from their files."""
