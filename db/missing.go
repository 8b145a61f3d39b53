package db

import "flowbot/service"

// missing stands for the methods of service.Store and service.Tx that are not
// written yet; calling one panics. The own methods of queries and tx win, for
// they lie less deep.
type missing struct{ service.Tx }
