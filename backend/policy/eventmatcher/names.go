package eventmatcher

import "gatehouse/backend/kind"

var (
	apps   = kind.Apps()   // the published names of the apps that write events
	models = kind.Models() // the published names of the kinds that events tell of
)
