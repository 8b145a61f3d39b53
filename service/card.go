package service

import (
	"context"
	"fmt"
	"time"
)

// Card is a living message: it is edited in place while it is fresh, and a new
// one takes its place when it is not. There is one per person and name.
//
// A screen of one thing, such as a batch, is one too while somebody looks at it,
// see Cards.Show. Its name is the key of the notice that renews it, and has a colon.
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
	// CardHolders lists who has a card of a name.
	CardHolders(ctx context.Context, name string) ([]int64, error)
}

// CardCommands keeps living messages.
type CardCommands interface {
	// SaveCard inserts the card or replaces the one of the same name.
	SaveCard(ctx context.Context, c Card) error
	// DropScreens forgets the screens of single things, but for the one of a name,
	// that a message of a person was.
	DropScreens(ctx context.Context, personID, messageID int64, except string) error
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

// Show remembers which screen a message of the actor's chat has become just now: the
// one that the notice renews, nil for none that is renewed.
func (s *Cards) Show(ctx context.Context, by Actor, messageID int64, n Notice) error {
	name := ""
	if n != nil {
		name = n.NoticeKey()
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.DropScreens(ctx, by.PersonID, messageID, name); err != nil || n == nil {
			return err
		}
		return tx.SaveCard(ctx, Card{PersonID: by.PersonID, Name: name, MessageID: messageID, SentAt: s.now().UTC()})
	})
	if err != nil {
		return fmt.Errorf("message %d of person %d: %w", messageID, by.PersonID, err)
	}
	return nil
}

// renew has everybody who looks at a screen see it as it will be, not before at (zero:
// at once).
func renew(ctx context.Context, tx Tx, n Notice, at time.Time) error {
	people, err := tx.CardHolders(ctx, n.NoticeKey())
	if err != nil {
		return fmt.Errorf("who looks at %s: %w", n.NoticeKey(), err)
	}
	for _, id := range people {
		if err := tx.Enqueue(ctx, id, n, at); err != nil {
			return fmt.Errorf("renew %s: %w", n.NoticeKey(), err)
		}
	}
	return nil
}
