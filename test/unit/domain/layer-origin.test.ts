import { describe, expect, test } from 'vitest';
import { readBuildSteps } from '../../../src/domain/dockerfile.ts';
import { layerOrigins } from '../../../src/domain/gate/layer-origin.ts';

const DOCKERFILE = `# syntax=docker/dockerfile:1
ARG VERSION=24
FROM node:\${VERSION}-slim AS base
ENV A=b

FROM golang:1.24 AS tool
RUN go build ./...

FROM base AS app
WORKDIR /app
RUN apt-get update && \\
    # a comment
    apt-get install -y curl
COPY --from=tool /tool /tool
RUN <<EOT
FROM nothing
EOT
ONBUILD RUN never
CMD ["node"]
`;

const entry = (createdBy: string, isEmpty = false) => ({ createdBy, isEmpty });
const BASE = [entry("# debian.sh --arch 'amd64' out/ 'bookworm'"), entry('CMD ["node"]', true)];
const OWN = [
  entry('ENV A=b', true),
  entry('WORKDIR /app'),
  entry('RUN |1 X=y /bin/sh -c apt-get update && apt-get install -y curl # buildkit'),
  entry('COPY /tool /tool # buildkit'),
  entry('RUN /bin/sh -c <<EOT # buildkit'),
  entry('CMD ["node"]', true),
];
const digests = (count: number, of: string) => Array.from({ length: count }, (_, at) => `${of}${at}`);

describe('the steps of a Dockerfile', () => {
  test('of the last stage and those that it is built on', () => {
    expect(readBuildSteps(DOCKERFILE, undefined, [])).toEqual({
      base: 'node:24-slim',
      baseLine: 3,
      steps: [
        { keyword: 'ENV', line: 4 },
        { keyword: 'WORKDIR', line: 10 },
        { keyword: 'RUN', line: 11 },
        { keyword: 'COPY', line: 14 },
        { keyword: 'RUN', line: 15 },
        { keyword: 'CMD', line: 19 },
      ],
    });
  });

  test.each([
    ['tool', [], 'golang:1.24'],
    ['BASE', ['VERSION=22'], 'node:22-slim'],
    ['0', [], 'node:24-slim'],
  ])('of the target %s with %j', (target, args, base) => {
    expect(readBuildSteps(DOCKERFILE, target, args)?.base).toBe(base);
  });

  test.each([
    ['FROM $UNKNOWN', undefined],
    ['FROM ${UNKNOWN:-alpine:3}', 'alpine:3'],
    ['FROM --platform=$BUILDPLATFORM alpine:3', 'alpine:3'],
  ])('%s', (text, base) => {
    expect(readBuildSteps(text, undefined, [])?.base).toBe(base);
  });

  test('there are none without a FROM, or of a stage that does not exist', () => {
    expect(readBuildSteps('RUN a', undefined, [])).toBeUndefined();
    expect(readBuildSteps(DOCKERFILE, 'other', [])).toBeUndefined();
  });
});

describe('what brought a layer', () => {
  const build = readBuildSteps(DOCKERFILE, undefined, []);
  const image = { layers: digests(5, 'l'), diffIds: digests(5, 'd'), history: [...BASE, ...OWN] };

  test('the base image with its line, or a step with its own, by digest and by diff id', () => {
    const origins = layerOrigins(image, build);
    expect(origins.get('l0')).toMatchObject({ from: 'base', base: 'node:24-slim', line: 3 });
    expect(origins.get('d2')).toEqual({
      from: 'step',
      step: 'RUN apt-get update && apt-get install -y curl',
      line: 11,
    });
    expect(origins.get('l4')).toMatchObject({ from: 'step', line: 15 });
  });

  test('only the history where the Dockerfile does not fit it', () => {
    const history = [...BASE, entry('ENV A=b', true), entry('RUN /bin/sh -c other'), ...OWN.slice(2)];
    expect(layerOrigins({ ...image, history }, build).get('l1')).toEqual({ step: 'RUN other' });
  });

  test('nothing where the history does not fit the layers', () => {
    expect(layerOrigins({ ...image, diffIds: digests(4, 'd') }, build).size).toBe(0);
  });
});
