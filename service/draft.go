package service

import (
	"context"
	"encoding/json"
	"fmt"
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
	// SetDraftCard changes the draft's MessageID and nothing else; without a
	// draft it changes nothing.
	SetDraftCard(ctx context.Context, personID, messageID int64) error
}

// Drafts keeps conversations that have begun.
type Drafts struct {
	store Store
	now   Clock
}

// NewDrafts returns the drafts over store.
func NewDrafts(store Store, now Clock) *Drafts { return &Drafts{store: store, now: now} }

// Get returns the actor's draft, or nil when there is none.
func (s *Drafts) Get(ctx context.Context, by Actor) (*Draft, error) {
	d, err := s.store.Draft(ctx, by.PersonID)
	if err != nil {
		return nil, fmt.Errorf("draft of person %d: %w", by.PersonID, err)
	}
	return d, nil
}

// Save keeps a draft in the place of the one that the person had.
func (s *Drafts) Save(ctx context.Context, d *Draft) error {
	d.UpdatedAt = s.now().UTC()
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveDraft(ctx, d) })
	if err != nil {
		return fmt.Errorf("save draft of person %d: %w", d.PersonID, err)
	}
	return nil
}

// Drop forgets the actor's draft, if any.
func (s *Drafts) Drop(ctx context.Context, by Actor) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.DropDraft(ctx, by.PersonID) })
	if err != nil {
		return fmt.Errorf("drop draft of person %d: %w", by.PersonID, err)
	}
	return nil
}

// SetCard remembers the message that is the living card of the actor's
// conversation. A conversation that has ended meanwhile has no card.
func (s *Drafts) SetCard(ctx context.Context, by Actor, messageID int64) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SetDraftCard(ctx, by.PersonID, messageID) })
	if err != nil {
		return fmt.Errorf("card of person %d: %w", by.PersonID, err)
	}
	return nil
}
