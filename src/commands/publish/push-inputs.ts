import { parseArchives, type WantedArchive } from '../../domain/local-image-names.ts';
import { type NamedImages, withDefaultImage } from '../../inputs/images.ts';
import { linesAs } from '../../inputs/lists.ts';
import type { Rule, RuleFacts } from '../../inputs/rule.ts';
import { choice, flag, type InputsOf, path } from '../../inputs/schema.ts';

/** Inputs for the way of an image into its repositories. */
export const PUSH_INPUTS = {
  push: flag({
    group: 'What',
    about:
      'Whether to push. With `false` the image is built and has to pass the gate, and stays on the runner: see `layout-directory`, `load` and `export`.',
    default: 'true',
  }),
  'layout-directory': path({
    group: 'What',
    about:
      'Write the image that has passed the gate into this folder, as an OCI layout named for its platforms, such as `image-linux-arm64`: for `command: merge`, or for `source` in a later step. The output `layout` is its path.',
    example: 'layouts',
  }),
  load: flag({
    group: 'What',
    about:
      "Load the runner's platform into its Docker Engine, under the tags of the image, once it has passed the gate and before anything is pushed.",
    default: 'false',
  }),
  export: linesAs(
    {
      group: 'What',
      about:
        "Write the image that has passed the gate as a tar, one `format=path` per line. `oci`: all of it, as an OCI layout. `docker`: the runner's platform, for `docker load`.",
      example: 'oci=out/image.tar',
    },
    parseArchives,
  ),
  'if-published': choice(['fail', 'keep'], {
    group: 'What',
    about:
      'What to do when a version tag exists with another build of this commit. `fail`: stop before the build. `keep`: leave it, scan the published image, and publish that under the missing tags; for builds that are not reproducible, such as a `source` from buildah or kaniko.',
    default: 'fail',
  }),
} as const;

/** Where the image goes on the runner itself, once it has passed the gate. */
export interface LocalCopies {
  /** Folder for a layout; undefined: none. */
  readonly layoutDirectory: string | undefined;
  readonly load: boolean;
  readonly archives: readonly WantedArchive[];
}

type Values = InputsOf<typeof PUSH_INPUTS> & { readonly images: NamedImages['images'] };
type Env = RuleFacts<Values>['env'];

const imagesOf = ({ images }: Pick<Values, 'images'>, env: Env): NamedImages['images'] =>
  withDefaultImage(images, env).images;

/** The registries of the image. */
export const hostsOf = (inputs: Pick<Values, 'images'>, env: Env): readonly string[] =>
  imagesOf(inputs, env).map(({ reference }) => reference.host);

/** Rules for what needs a name. */
export const NAMED_RULES: readonly Rule<Values>[] = [
  (inputs, { env, given }) =>
    !given('images') && inputs.push && imagesOf(inputs, env).length === 0
      ? '`images` is empty, and there is no name to push to. Add for instance `images: ghcr.io/${{ github.repository }}`, or set `push: false`.'
      : undefined,
  ({ push, images }) =>
    push && images.length > 0 && images.every(({ enable }) => !enable)
      ? '`images`: every line has `enable=false`, and there is no name to push to. Enable one, or set `push: false`.'
      : undefined,
];
