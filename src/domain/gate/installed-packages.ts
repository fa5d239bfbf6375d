import type { PackageManager } from './scanned-files.ts';

const NEWLINE = 0x0a;
/** Maximum kept length of a line. Names, versions and statuses are shorter. */
const MAX_FIELD_LENGTH = 4096;
const MAX_PACKAGES = 500_000;

/** A text list of installed packages, in paragraphs. */
type TextDatabase = Exclude<PackageManager, 'rpm'>;

/**
 * Reads the installed packages, `name@version`, from a package database as its bytes pass by. Lines may have any
 * length, whereas the scanner may stop at a long one. https://wiki.alpinelinux.org/wiki/Apk_spec,
 * https://manpages.debian.org/deb-control
 */
export class InstalledPackages {
  readonly #of: TextDatabase;
  readonly #found = new Set<string>();
  #line: number[] = [];
  #name = '';
  #version = '';
  #isInstalled = true;

  constructor(of: TextDatabase) {
    this.#of = of;
  }

  take(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, at);
      const end = newline < 0 ? bytes.length : newline;
      const room = MAX_FIELD_LENGTH - this.#line.length;
      if (room > 0) this.#line.push(...bytes.subarray(at, Math.min(end, at + room)));
      if (newline >= 0) this.#endLine();
      at = end + 1;
    }
  }

  /** The packages found; call it after the last byte. */
  end(): readonly string[] {
    this.#endLine();
    this.#endPackage();
    return [...this.#found];
  }

  #endLine(): void {
    const line = Buffer.from(this.#line).toString('utf8').replace(/\r$/, '');
    this.#line = [];
    if (line.trim() === '') this.#endPackage();
    else if (this.#of === 'apk') this.#takeApk(line);
    else this.#takeDpkg(line);
  }

  #takeApk(line: string): void {
    if (line.startsWith('P:')) this.#name = line.slice(2);
    else if (line.startsWith('V:')) this.#version = line.slice(2);
  }

  #takeDpkg(line: string): void {
    const [, field, value = ''] = /^([A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    const name = field?.toLowerCase();
    if (name === 'package') this.#name = value;
    else if (name === 'version') this.#version = value;
    else if (name === 'status') {
      const words = value.toLowerCase().split(/\s+/);
      this.#isInstalled = !['deinstall', 'purge', 'not-installed'].some((word) => words.includes(word));
    }
  }

  #endPackage(): void {
    // A leading dot marks a virtual package: `apk add --virtual .build-deps`.
    const isPackage = this.#name !== '' && !this.#name.startsWith('.') && this.#version !== '';
    if (isPackage && this.#isInstalled && this.#found.size < MAX_PACKAGES) {
      this.#found.add(`${this.#name}@${this.#version}`);
    }
    this.#name = '';
    this.#version = '';
    this.#isInstalled = true;
  }
}
