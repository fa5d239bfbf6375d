import { describe, expect, it } from 'vitest';
import { METRICS, sample } from '../../../src/report/metrics/catalogue.ts';
import { renderOpenMetrics } from '../../../src/report/metrics/open-metrics.ts';

const images = (repository: string, value: number) =>
  sample('registry_repository_images', { registry: 'ghcr.io', repository }, value);

describe('metrics file', () => {
  it('is one family after the other, in a stable order, and ends with EOF', () => {
    const file = renderOpenMetrics([
      images('b', 2),
      sample('registry_repository_tags', { registry: 'ghcr.io', repository: 'a' }, 3),
      images('a', 1),
    ]);
    expect(file).toBe(
      [
        '# HELP registry_repository_images Images of the repository, tagged or not.',
        '# TYPE registry_repository_images gauge',
        'registry_repository_images{registry="ghcr.io",repository="a"} 1',
        'registry_repository_images{registry="ghcr.io",repository="b"} 2',
        '# HELP registry_repository_tags Tags of the repository, without those of signatures.',
        '# TYPE registry_repository_tags gauge',
        'registry_repository_tags{registry="ghcr.io",repository="a"} 3',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['a quote', 'a"b', 'a\\"b'],
    ['a backslash', 'a\\b', 'a\\\\b'],
    ['a backslash before a quote', 'a\\"b', 'a\\\\\\"b'],
    ['a line break', 'a\nb', 'a\\nb'],
    ['a carriage return', 'a\rb', 'a\uFFFDb'],
    ['half a character', 'a\uD800b', 'a\uFFFDb'],
    ['braces and commas', 'a{b="c"},d', 'a{b=\\"c\\"},d'],
  ])('a label value with %s cannot leave its quotes', (_, value, expected) => {
    const line = renderOpenMetrics([images(value, 1)]).split('\n')[2];
    expect(line).toBe(`registry_repository_images{registry="ghcr.io",repository="${expected}"} 1`);
  });

  it('one set of labels has one value: a duplicate would make collectors drop the page', () => {
    const file = renderOpenMetrics([images('a', 1), images('a', 2)]);
    expect(file.match(/^registry_repository_images\{/gm)).toHaveLength(1);
    expect(file).toContain('repository="a"} 2');
  });

  it('leaves out what is no number, and the family with it', () => {
    expect(renderOpenMetrics([images('a', Number.NaN), images('b', Number.POSITIVE_INFINITY)])).toBe('# EOF\n');
  });

  it('every name follows the conventions', () => {
    for (const [name, metric] of Object.entries(METRICS)) {
      expect(name).toMatch(/^registry_[a-z_]+$/);
      expect(name).not.toMatch(/_(?:total|count|sum|bucket|created)$/);
      expect(metric.help).toMatch(/\.$/);
      const unit = /_(bytes|seconds)$/.exec(name)?.[1];
      expect('unit' in metric ? metric.unit : undefined).toBe(unit);
      for (const label of metric.labels) expect(label).toMatch(/^[a-z_]+$/);
    }
  });
});
