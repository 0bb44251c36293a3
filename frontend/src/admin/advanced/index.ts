export { Advanced } from "./Advanced";
export { FamilyPage } from "./FamilyPage";
export { NewObject } from "./NewObject";
export { ObjectPage } from "./ObjectPage";
