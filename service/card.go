package service

import (
	"context"
	"fmt"
	"time"
)

// Card is a living message: it is edited in place while it is fresh, and a new
// one takes its place when it is not. There is one per person and name.
type Card struct {
	PersonID  int64  `bun:",pk"`
	Name      string `bun:",pk"`
	MessageID int64
	SentAt    time.Time // UTC
}

// CardQueries asks for living messages.
type CardQueries interface {
	// Card returns NotFound before one was sent.
	Card(ctx context.Context, personID int64, name string) (*Card, error)
}

// CardCommands keeps living messages.
type CardCommands interface {
	// SaveCard inserts the card or replaces the one of the same name.
	SaveCard(ctx context.Context, c Card) error
}

// Cards keeps the living messages of people.
type Cards struct {
	store Store
	now   Clock
}

// NewCards returns the cards over store.
func NewCards(store Store, now Clock) *Cards { return &Cards{store: store, now: now} }

// Get returns the actor's card of this name, or nil before one was sent.
func (s *Cards) Get(ctx context.Context, by Actor, name string) (*Card, error) {
	c, err := s.store.Card(ctx, by.PersonID, name)
	if err != nil && AsError(err).Kind == NotFound {
		return nil, nil //nolint:nilnil // no card is an answer, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("card %s of person %d: %w", name, by.PersonID, err)
	}
	return c, nil
}

// Sent remembers that the card was sent as a new message just now.
func (s *Cards) Sent(ctx context.Context, by Actor, name string, messageID int64) error {
	c := Card{PersonID: by.PersonID, Name: name, MessageID: messageID, SentAt: s.now().UTC()}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.SaveCard(ctx, c) })
	if err != nil {
		return fmt.Errorf("card %s of person %d: %w", name, by.PersonID, err)
	}
	return nil
}
