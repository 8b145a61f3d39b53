package service

import (
	"context"
	"encoding/json"
	"time"
)

// Draft is a conversation that a person has begun and not finished. There is at
// most one for each person; a new one replaces the old. Files sent into it are
// DraftFiles and outlive it.
type Draft struct {
	PersonID  int64           `bun:",pk"`
	Kind      string          // which conversation
	Step      string          // the question that waits for an answer
	Form      json.RawMessage `bun:"type:jsonb"` // the answers so far
	UpdateID  int64           // the last update that changed it: the same one again changes nothing
	MessageID int64           // the conversation's living card, 0 before it is sent
	UpdatedAt time.Time       // UTC
}

// DraftQueries asks for drafts.
type DraftQueries interface {
	// Draft returns the person's draft, or nil when there is none.
	Draft(ctx context.Context, personID int64) (*Draft, error)
}

// DraftCommands keeps drafts.
type DraftCommands interface {
	// SaveDraft inserts the draft or replaces the person's draft.
	SaveDraft(ctx context.Context, d *Draft) error
	// DropDraft forgets the person's draft, if any.
	DropDraft(ctx context.Context, personID int64) error
}
