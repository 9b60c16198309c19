// The import boundaries of the project, for every production file and for type imports, too. A room may import from the rooms
// before it in its list, never from those after it. Checked by `npm test`; e2e/structure/boundaries.test.ts plants a
// violation of each rule.

/** The rooms of main/. `testing` may import anything, and nothing of the program may import it. */
const ROOMS = ['contract', 'core', 'engine', 'jobs', 'storage', 'workbench', 'hosts'];
const CONTRACT = ['base', 'rpc', 'domain', 'api'];
const CORE = [
  'numerics',
  'files',
  'onnx',
  'formats',
  'models',
  'hub',
  'activations',
  'dictionaries',
  'features',
  'labels',
  'edits',
  'interventions',
  'attribution',
  'behaviours',
  'evaluation',
  'finder',
  'reports',
  'export',
];
const WINDOW = ['api', 'state', 'components', 'shell', 'pages'];

const TEST = '\\.test\\.ts$';

/** One rule a folder: what stands after it in its list is out of reach, at any depth. */
function inOrder(parent, folders) {
  return folders.slice(0, -1).map((folder, index) => ({
    name: `${parent}/${folder} imports only what stands before it`,
    severity: 'error',
    from: { path: `^${parent}/${folder}/`, pathNot: TEST },
    to: { path: `^${parent}/(${folders.slice(index + 1).join('|')})/` },
  }));
}

export default {
  forbidden: [
    { name: 'no import cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'every import resolves', severity: 'error', from: {}, to: { couldNotResolve: true, path: '^[.]' } },
    ...inOrder('main', ROOMS),
    ...inOrder('main/contract', CONTRACT),
    ...inOrder('main/core', CORE),
    ...inOrder('renderer/src', WINDOW),
    {
      name: 'the contract knows no Node',
      severity: 'error',
      from: { path: '^main/contract/', pathNot: TEST },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'the pages and the preload script know main/contract only',
      severity: 'error',
      from: { path: '^(renderer|preload)/', pathNot: TEST },
      to: { path: '^(main|bench|e2e|resources)/', pathNot: '^main/contract/' },
    },
    {
      name: 'the pages know no Node',
      severity: 'error',
      from: { path: '^renderer/', pathNot: TEST },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'main does not know the pages',
      severity: 'error',
      from: { path: '^main/' },
      to: { path: '^(renderer|preload|bench|e2e)/' },
    },
    {
      name: 'the program does not import helpers of tests',
      severity: 'error',
      from: { path: '^(main|renderer|preload)/', pathNot: [TEST, '^main/testing/'] },
      to: { path: '^main/testing/' },
    },
    {
      name: 'electron is known to its host and the preload script only',
      severity: 'error',
      from: { pathNot: '^(main/hosts/electron|preload|e2e/electron)/' },
      to: { path: '^electron($|/)|node_modules/electron/' },
    },
    {
      name: 'tests of core need no engine, no database and no host',
      severity: 'error',
      from: { path: '^main/core/.*\\.test\\.ts$' },
      to: { path: '^main/(engine|jobs|storage|workbench|hosts)/' },
    },
    {
      name: 'only the engine makes a runtime: a run blocks its thread',
      severity: 'error',
      from: { path: '^main/(core|jobs|storage|workbench|hosts)/', pathNot: [TEST, '^main/core/onnx/cpuRuntime[.]ts$'] },
      to: { path: '^main/core/onnx/(cpuRuntime|ortSession)[.]ts$' },
    },
    {
      name: 'handlers hold no rules: they know the contract, the workbench and their host',
      severity: 'error',
      from: { path: '^main/hosts/api/handlers/', pathNot: TEST },
      to: { pathNot: '^main/(contract|workbench|hosts/api)/' },
    },
    {
      name: 'hosts know the types of the engine, never ONNX Runtime',
      severity: 'error',
      from: { path: '^main/(workbench|jobs|storage|hosts)/', pathNot: TEST },
      to: { path: 'node_modules/onnxruntime-' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(out|node_modules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.svelte'],
      exportsFields: ['exports'],
      conditionNames: ['svelte', 'import', 'types', 'node'],
    },
  },
};
