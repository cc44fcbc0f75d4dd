// Style sheets are taken in by esbuild: dist/webview/NAME.css beside NAME.js.
declare module '*.css';
