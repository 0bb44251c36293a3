export { Consents } from "./Consents";
export { Profile } from "./Profile";
export { Sessions } from "./Sessions";
export { Tokens } from "./Tokens";
