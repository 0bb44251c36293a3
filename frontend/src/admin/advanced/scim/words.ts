// The words of what is sent by SCIM, which two parts of the window show.
import english from "@text/scim.json";
import { addEnglish } from "~/text/text";

addEnglish(english);
