import { parseImages } from '../domain/images.ts';
import { parseAnnotations, parseLabels } from '../domain/labels.ts';
import { parseFlavor } from '../domain/tags/flavor.ts';
import { parseTagRules } from '../domain/tags/rules.ts';
import { entries, KEY_VALUE, linesAs } from './lists.ts';
import type { InputsOf } from './schema.ts';

/** Inputs for the names and labels of an image. */
export const NAMING_INPUTS = {
  images: linesAs(
    {
      group: 'What',
      about:
        "Names of the image, one per line, without a tag: every name gets every tag. Empty: `ghcr.io/<owner>/<repository>`. docker/metadata-action's `name=…,enable=…` works. With `command: promote`: the repositories that `from` and `to` mean when they name only a tag.",
      example: 'ghcr.io/org/app',
    },
    parseImages,
  ),
  tags: linesAs(
    {
      group: 'What',
      about:
        "Rules for the tags, one per line, in docker/metadata-action's syntax. Without rules: a branch gives `<branch>` and `sha-<short>`; the git tag `v1.2.3` gives `1.2.3`, `1.2`, `1`, `latest` and `sha-<short>`; any other git tag its name and `sha-<short>`; a pull request gives `pr-<number>`.",
      example: 'type=semver,pattern={{version}}',
    },
    parseTagRules,
  ),
  flavor: linesAs(
    {
      group: 'What',
      about: "`latest`, `prefix` and `suffix` for all tags, in docker/metadata-action's syntax.",
      example: 'latest=auto',
    },
    parseFlavor,
  ),
  labels: entries(
    {
      form: KEY_VALUE,
      group: 'What',
      about: 'Labels on top of the generated `org.opencontainers.image.*` ones, one `key=value` per line.',
      example: 'org.opencontainers.image.vendor=Example Ltd',
    },
    parseLabels,
  ),
  annotations: entries(
    {
      form: KEY_VALUE,
      group: 'What',
      about:
        'Annotations, one `key=value` per line, with an optional level in front: `manifest:` (default), `index:`, `manifest-descriptor:`.',
      example: 'index:org.opencontainers.image.title=app',
    },
    parseAnnotations,
  ),
} as const;

/** Names and labels of an image, before the event fills in the templates. */
export type NamingRules = InputsOf<typeof NAMING_INPUTS>;
