package service

// UpdateQueries asks about the inbox.
type UpdateQueries interface {
}

// UpdateCommands works the inbox.
type UpdateCommands interface {
}
