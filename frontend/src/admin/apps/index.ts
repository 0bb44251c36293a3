export { AppPage } from "./AppPage";
export { Apps } from "./Apps";
export { Catalog } from "./Catalog";
export { NewApp } from "./NewApp";
export { NewScim } from "./NewScim";
