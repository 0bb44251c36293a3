export { GroupPage } from "./GroupPage";
export { Groups, NewGroup } from "./Groups";
export { NewService } from "./NewService";
export { UserPage } from "./UserPage";
export { NewUser, Users } from "./Users";
