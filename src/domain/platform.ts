import type { PlatformFields } from './manifest.ts';

/** `linux/arm64`, `linux/arm/v7`: the form users write and read. The default variant of arm64 (v8) is left out. */
export function platformName(platform: PlatformFields): string {
  const variant = platform.architecture === 'arm64' && platform.variant === 'v8' ? undefined : platform.variant;
  return [platform.os, platform.architecture, variant].filter(Boolean).join('/');
}
