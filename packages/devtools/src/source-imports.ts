/**
 * Module names a source text imports: static, re-exported, dynamic and type imports. Comments are
 * blanked first; a template or string that looks like an import would count, which errs to the safe
 * side: the check fails loudly instead of letting something pass.
 */
export function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/(^|\s)\/\/[^\n]*/g, '$1');
  const names = new Set<string>();
  const patterns = [
    /^\s*(?:import|export)\s[^'"`;]*?\bfrom\s*['"]([^'"\n]+)['"]/gm,
    /^\s*import\s*['"]([^'"\n]+)['"]/gm,
    /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g,
  ];
  for (const pattern of patterns) {
    for (const match of code.matchAll(pattern)) if (match[1] !== undefined) names.add(match[1]);
  }
  return [...names];
}

/** `@turnout/core/lsn` → `@turnout/core`; `node:fs/promises` → `node:fs/promises`. */
export function packageOf(module: string): string {
  if (module.startsWith('node:')) return module;
  const parts = module.split('/');
  return parts.slice(0, module.startsWith('@') ? 2 : 1).join('/');
}
