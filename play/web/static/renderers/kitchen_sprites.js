// Art in SVG, by default the kitchen's: loads the files once and rasterises each at the exact pixels needed.

const SEATS = [0, 1, 2, 3];
const NAMES = [
  ...["floor-a", "floor-b", "counter", "counter-nw", "counter-ne", "counter-sw", "counter-se"],
  ...["front", "front-sw", "front-se", "rim-n", "rim-w", "rim-e", "shade-n", "shade-w"],
  ...["patch", "onion-crate", "tomato-crate", "dish-stack", "stove", "stove-hot", "serving"],
  ...["onion", "tomato", "dish", "pot-back", "pot-front"],
  ...["broth-onion", "broth-tomato", "broth-mixed"],
  ...["1-0", "2-0", "3-0", "0-1", "0-2", "0-3", "1-1", "2-1", "1-2"].map((n) => `soup-${n}`),
  ...SEATS.flatMap((seat) => ["n", "s", "e", "w"].map((facing) => `chef-${seat}-${facing}`)),
  ...SEATS.flatMap((seat) => [`hand-${seat}`, `ring-${seat}`, `arrow-${seat}`]),
  ...["shadow", "check", "slot", "slot-full", "bubble", "steam", "glow", "spark"],
];

const loaded = new Map(); // folder -> promise of { rig, images }

export function loadArt(folder, names = NAMES) {
  if (!loaded.has(folder)) {
    const art = load(folder, names);
    art.catch(() => loaded.delete(folder)); // a dropped connection may be tried again
    loaded.set(folder, art);
  }
  return loaded.get(folder);
}

async function load(folder, names) {
  const answer = await fetch(`${folder}rig.json`);
  if (!answer.ok) throw new Error(`The art is missing: ${answer.url}`);
  const [rig, ...images] = await Promise.all([
    answer.json(),
    ...names.map((name) => loadImage(`${folder}${name}.svg`)),
  ]);
  return { rig, images: new Map(names.map((name, index) => [name, images[index]])) };
}

async function loadImage(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

// Bitmaps by name and pixel size. A new tile size starts afresh.
export class Sprites {
  constructor(images) {
    this.images = images;
    this.bitmaps = new Map();
  }

  clear() {
    this.bitmaps.clear();
  }

  get(name, width, height) {
    const w = Math.max(1, Math.round(width));
    const h = Math.max(1, Math.round(height));
    const key = `${name} ${w} ${h}`;
    let bitmap = this.bitmaps.get(key);
    if (!bitmap) {
      bitmap = document.createElement("canvas");
      bitmap.width = w;
      bitmap.height = h;
      bitmap.getContext("2d").drawImage(this.images.get(name), 0, 0, w, h);
      this.bitmaps.set(key, bitmap);
    }
    return bitmap;
  }
}
