export { Activity } from "./Activity";
export { EventPage } from "./EventPage";
