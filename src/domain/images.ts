import { type Parsed, parsed, problems } from './parsed.ts';
import { type ImageName, parseImageName } from './reference.ts';
import { didYouMean, quoted } from './suggestion.ts';
import { type Attribute, problemAt, readAttributes, readLines } from './tags/rule-lines.ts';

/** One entry of the `images` input. */
export interface Image {
  /** As the user wrote it, in lower case. */
  readonly name: string;
  readonly enable: boolean;
  readonly reference: ImageName;
  /** As the user wrote it, if not in lower case. */
  readonly written?: string;
}

const KEYS: readonly string[] = ['name', 'enable'];

/**
 * Reads the `images` input: one name per line, or `name=…,enable=true|false`; a single line may also list names
 * separated by commas. Duplicates are merged. https://github.com/docker/metadata-action#images-input
 */
export function parseImages(lines: readonly string[]): Parsed<readonly Image[]> {
  const written = readLines(lines);
  const found: string[] = [];
  const images = new Map<string, Image>();
  for (const line of written) {
    const read = readLine(line.text, written.length === 1);
    if (!read.ok) {
      found.push(...read.problems.map((problem) => problemAt('images', line, problem)));
      continue;
    }
    for (const image of read.value) {
      const before = images.get(image.reference.name);
      images.set(image.reference.name, { ...(before ?? image), enable: image.enable || before?.enable === true });
    }
  }
  return found.length > 0 ? problems(...found) : parsed([...images.values()]);
}

function readLine(text: string, alone: boolean): Parsed<readonly Image[]> {
  const attributes = readAttributes(text);
  if (!attributes.ok) return attributes;
  if (alone && attributes.value.every(({ key }) => key === undefined)) {
    const names = attributes.value.filter(({ value }) => value !== '');
    const images = names.map(({ value }) => toImage(value, true));
    const found = images.flatMap((image) => (image.ok ? [] : image.problems));
    return found.length > 0 ? problems(...found) : parsed(images.flatMap((image) => (image.ok ? [image.value] : [])));
  }
  return readAttributesOfImage(attributes.value);
}

function readAttributesOfImage(attributes: readonly Attribute[]): Parsed<readonly Image[]> {
  const found: string[] = [];
  let name: string | undefined;
  let enable = true;
  for (const { key = 'name', value } of attributes) {
    if (key === 'name') {
      if (name !== undefined)
        found.push(`two names, ${quoted(name)} and ${quoted(value)}, expected one image on a line`);
      name = value;
    } else if (key !== 'enable') {
      found.push(`unknown attribute ${quoted(key)}, expected name or enable.${didYouMean(key, KEYS)}`);
    } else if (value !== 'true' && value !== 'false') {
      found.push(`\`enable\` is ${quoted(value)}, expected true or false`);
    } else enable = value === 'true';
  }
  if (name === undefined || name === '') found.push('the name is empty, expected for instance `ghcr.io/org/app`');
  if (found.length > 0) return problems(...found);
  const image = toImage(name ?? '', enable);
  return image.ok ? parsed([image.value]) : image;
}

function toImage(name: string, enable: boolean): Parsed<Image> {
  const reference = parseImageName(name);
  if (!reference.ok) return reference;
  const { familiarName } = reference.value;
  const written = name.trim() === familiarName ? {} : { written: name.trim() };
  return parsed({ name: familiarName, enable, reference: reference.value, ...written });
}

/** `image:tag` for all images and tags, ordered by image, as in metadata-action; bare tags when no image is enabled. */
export function fullNames(
  images: readonly { readonly name: string; readonly enable: boolean }[],
  tags: readonly { readonly name: string }[],
): readonly string[] {
  const enabled = images.filter(({ enable }) => enable);
  if (enabled.length === 0) return tags.map(({ name }) => name);
  return enabled.flatMap((image) => tags.map(({ name }) => `${image.name.toLowerCase()}:${name}`));
}
