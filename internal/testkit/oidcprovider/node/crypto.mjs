// What Node.js 18 has in node:crypto, and what the package takes for granted besides.
import { createHash } from 'node:crypto';

export * from 'node:crypto';
export const hash = (algorithm, data, encoding = 'hex') => {
  const sum = createHash(algorithm).update(data).digest();
  return encoding === 'buffer' ? sum : sum.toString(encoding);
};
