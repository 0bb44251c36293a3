export { AppPage } from "./AppPage";
export { Apps } from "./Apps";
export { NewApp } from "./NewApp";
