import english from "@text/flows.json";
import { addEnglish } from "~/text/text";

export { Advanced } from "./Advanced";
export { FamilyPage } from "./FamilyPage";
export { NewObject } from "./NewObject";
export { ObjectPage } from "./ObjectPage";

addEnglish(english);
