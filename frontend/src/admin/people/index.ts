import english from "@text/people.json";
import { addEnglish } from "~/text/text";

export { GroupPage } from "./GroupPage";
export { Groups, NewGroup } from "./Groups";
export { InvitationPage } from "./invitations/InvitationPage";
export { Invitations } from "./invitations/Invitations";
export { NewInvitation } from "./invitations/NewInvitation";
export { NewService } from "./NewService";
export { UserPage } from "./UserPage";
export { NewUser, Users } from "./Users";

addEnglish(english);
