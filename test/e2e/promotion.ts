import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROMOTION_TYPE } from '../../src/domain/promotion/record.ts';
import { type ActionOptions, type ActionRun, runAction, type WorkflowEvent } from '../support/action.ts';
import { dispatchEvent, pushEvent } from '../support/repository.ts';
import { run } from './programs.ts';
import { type Address, startReferrersRegistry } from './registry.ts';
import { createScene, type Scene } from './scene.ts';

const RECORD = 'io.github.registry-action.promotion.record';
/** Both ways in which cosign keeps signatures: as a referrer, and under a tag `sha256-….sig`. */
const SIGNATURES = [[], ['--new-bundle-format=false']] as const;
/** Nothing of it is told to anybody outside. */
const OFFLINE = ['--yes', '--use-signing-config=false', '--tlog-upload=false'] as const;

interface Descriptor {
  readonly digest: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly artifactType?: string;
  readonly config?: { readonly mediaType: string };
  readonly manifests?: readonly Descriptor[];
  readonly layers?: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a registry lists as referring to a manifest, and to that, and so on. */
interface Listed {
  readonly digest: string;
  readonly referrers?: readonly Listed[];
}

/** The same with the type that its manifest tells: not all registries list that, nor does cosign. */
export interface Referrer {
  readonly digest: string;
  readonly artifactType: string;
  readonly referrers: readonly Referrer[];
}

/** https://github.com/in-toto/attestation/blob/main/spec/v0.1.0/statement.md */
export interface Statement {
  readonly predicateType: string;
  readonly subject: readonly { readonly digest: { readonly sha256: string } }[];
  readonly predicate: Readonly<Record<string, unknown>>;
}

/** The annotation of a promotion's record, as anybody can read it. */
export interface ReadRecord {
  readonly kind: string;
  readonly environment: string;
  readonly digest: string;
  readonly previousDigest?: string;
  readonly event: string;
  readonly forced: boolean;
  readonly held: readonly string[];
  readonly time: string;
}

/** One repository of a registry, as crane, oras and cosign see it. References are tags or digests. */
export interface Place {
  readonly registry: Address;
  /** `127.0.0.1:5000/org/app` */
  readonly image: string;
  readonly at: (reference: string) => string;
  readonly tags: () => Promise<readonly string[]>;
  readonly digest: (reference: string, platform?: string) => Promise<string>;
  /** Byte for byte. */
  readonly manifest: (digest: string) => Promise<string>;
  /** Of the root and of all its children. */
  readonly digests: (root: string) => Promise<readonly string[]>;
  /** All that refers to the root or one of its platforms. What the index itself holds is left out: BuildKit's attestations. */
  readonly referrers: (root: string) => Promise<readonly Referrer[]>;
  /** What the attestations of a platform say. */
  readonly statements: (root: string, platform: string) => Promise<readonly Statement[]>;
  /** Records of environments, the oldest first. */
  readonly records: (digest: string) => Promise<readonly ReadRecord[]>;
  /** Signs by hand, in both forms. */
  readonly sign: (digest: string) => Promise<void>;
  /** Fails unless there are good signatures, in both forms. */
  readonly verify: (digest: string) => Promise<void>;
  /** @returns the digest of what was attached */
  readonly attach: (digest: string, content: string) => Promise<string>;
}

export interface PromotionScene extends Scene {
  readonly referrersRegistry: () => Promise<Address>;
  readonly place: (registry: Address, repository: string) => Place;
  readonly promote: (inputs: Readonly<Record<string, string>>, options?: Partial<ActionOptions>) => Promise<ActionRun>;
  /** The same, started by a person. */
  readonly byHand: (inputs: Readonly<Record<string, string>>) => Promise<ActionRun>;
}

/** A scene in which what is published is also signed and promoted. */
export async function createPromotionScene(): Promise<PromotionScene> {
  const stack = new AsyncDisposableStack();
  const scene = stack.use(await createScene());
  const env = { PATH: process.env.PATH, HOME: scene.directory, COSIGN_PASSWORD: 'only for tests' };
  const client: Client = (program, ...args) => run(program, args, { env, cwd: scene.directory });
  await client('cosign', 'generate-key-pair');
  const promote = async (
    event: WorkflowEvent,
    inputs: Readonly<Record<string, string>>,
    options: Partial<ActionOptions> = {},
  ) =>
    stack.use(
      await runAction({
        workspace: scene.repository.directory,
        event,
        inputs: { command: 'promote', ...inputs },
        ...options,
      }),
    );
  let registries = 0;
  return {
    ...scene,
    referrersRegistry: async () => {
      registries += 1;
      const home = join(process.env.E2E_RUN ?? '', `referrers-${process.pid}-${Date.now()}-${registries}`);
      return stack.use(await startReferrersRegistry({ home, env: process.env }));
    },
    place: (registry, repository) => createPlace(scene.directory, client, registry, repository),
    promote: async (inputs, options) => promote(await pushEvent(scene.repository), inputs, options),
    byHand: async (inputs) => promote(await dispatchEvent(scene.repository), inputs),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Client = (program: string, ...args: readonly string[]) => Promise<string>;

function createPlace(directory: string, client: Client, registry: Address, repository: string): Place {
  const image = `${registry.host}/${repository}`;
  const at = (reference: string) => `${image}${reference.includes(':') ? '@' : ':'}${reference}`;
  const manifest = (digest: string) => client('crane', 'manifest', at(digest));
  const parsed = async (digest: string): Promise<Manifest> => JSON.parse(await manifest(digest));
  const typed = (listed: readonly Listed[] = []): Promise<readonly Referrer[]> =>
    Promise.all(
      listed.map(async (each) => {
        const { artifactType, config } = await parsed(each.digest);
        return {
          digest: each.digest,
          artifactType: artifactType ?? config?.mediaType ?? '',
          referrers: await typed(each.referrers),
        };
      }),
    );
  const discover = async (digest: string): Promise<readonly Referrer[]> => {
    const found: Listed = JSON.parse(await client('oras', 'discover', '--plain-http', '--format', 'json', at(digest)));
    return typed(found.referrers);
  };
  const digests = async (root: string) => [root, ...((await parsed(root)).manifests ?? []).map((each) => each.digest)];
  const digest: Place['digest'] = async (reference, platform) =>
    (
      await client('crane', 'digest', ...(platform === undefined ? [] : ['--platform', platform]), at(reference))
    ).trim();
  return {
    registry,
    image,
    at,
    manifest,
    digests,
    digest,
    tags: async () => (await client('crane', 'ls', image)).split('\n').filter((tag) => tag !== ''),
    referrers: async (root) => {
      const own = await digests(root);
      const found = await Promise.all(own.map(discover));
      return found.flat().filter((each) => !own.includes(each.digest));
    },
    statements: async (root, platform) => {
      const subject = await digest(root, platform);
      const attestations = ((await parsed(root)).manifests ?? []).filter(
        (each) => each.annotations?.['vnd.docker.reference.digest'] === subject,
      );
      const layers = await Promise.all(attestations.map(async (each) => (await parsed(each.digest)).layers ?? []));
      return Promise.all(
        layers
          .flat()
          .map(async (layer): Promise<Statement> => JSON.parse(await client('crane', 'blob', at(layer.digest)))),
      );
    },
    records: async (of) => {
      const found = (await discover(of)).filter(({ artifactType }) => artifactType === PROMOTION_TYPE);
      const records = await Promise.all(
        found.map(async (each): Promise<ReadRecord> => {
          const text = await client('oras', 'manifest', 'fetch', '--plain-http', at(each.digest));
          const { annotations = {} }: Manifest = JSON.parse(text);
          return JSON.parse(annotations[RECORD] ?? 'null');
        }),
      );
      return records
        .filter(({ kind }) => kind !== 'publish')
        .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
    },
    sign: async (of) => {
      for (const form of SIGNATURES) {
        await client('cosign', 'sign', ...OFFLINE, '--allow-http-registry', '--key', 'cosign.key', ...form, at(of));
      }
    },
    verify: async (of) => {
      for (const form of SIGNATURES) {
        const how = ['--insecure-ignore-tlog=true', '--allow-http-registry', '--key', 'cosign.pub', ...form];
        await client('cosign', 'verify', ...how, at(of));
      }
    },
    attach: async (to, content) => {
      await writeFile(join(directory, 'report.json'), content);
      const what = ['--artifact-type', 'application/vnd.example.report', '--format', 'json', '--plain-http'];
      const said: Descriptor = JSON.parse(
        await client('oras', 'attach', ...what, at(to), 'report.json:application/json'),
      );
      return said.digest;
    },
  };
}
