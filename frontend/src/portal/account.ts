import english from "@text/account.json";
import { addEnglish } from "~/text/text";

export { Connections } from "./Connections";
export { Consents } from "./Consents";
export { Profile } from "./Profile";
export { Sessions } from "./Sessions";
export { Security } from "./security/Security";
export { Tokens } from "./Tokens";

addEnglish(english);
