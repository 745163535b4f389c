/** Icons by name, inlined by the build: `import x from 'icon:x'`. */
declare module 'icon:*' {
  const svg: string;
  export default svg;
}
