// States of every release call these names: none is ever renamed or removed.
export { keyBackup } from "./keyBackup";
