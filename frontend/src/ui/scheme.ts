import { localStorageColorSchemeManager } from "@mantine/core";

/** The choice of light, dark or as the system; public/scheme.js reads the same key before the first paint. */
export const schemes = localStorageColorSchemeManager({ key: "gatehouse-scheme" });
