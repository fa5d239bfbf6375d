import { writeFile } from 'node:fs/promises';
import { extractFile, extractOf } from '../test/support/contract/read.ts';
import { CONTRACTS, type ContractName } from '../test/support/contract/table.ts';

// SPECS_DIR=<folder of the vendors' descriptions> node scripts/extract-contracts.ts

function isContract(name: string): name is ContractName {
  return Object.hasOwn(CONTRACTS, name);
}

const specs = process.env.SPECS_DIR;
if (!specs) throw new Error('SPECS_DIR has to name the folder of the descriptions.');
for (const name of Object.keys(CONTRACTS).filter(isContract)) {
  const text = await extractOf(name, specs);
  await writeFile(extractFile(name), text);
  console.log(`${name}: ${text.length} bytes`);
}
