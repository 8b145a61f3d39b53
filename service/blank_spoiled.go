package service

import (
	"context"
	"fmt"
)

// SpoiledBlank is a spoiled blank, and what becomes of it when that is taken back.
type SpoiledBlank struct {
	Blank
	Bears bool // its application's present certificate is on it; else it becomes free
}

// Spoiled returns a spoiled blank of a center by its number, for its staff. One that
// is not spoiled is ReasonBlankSound.
func (s *Blanks) Spoiled(ctx context.Context, by Actor, centerID int64, key BlankKey) (*SpoiledBlank, error) {
	if err := isStaffOf(by, centerID); err != nil {
		return nil, err
	}
	key, err := key.normal()
	if err != nil {
		return nil, err
	}
	held, err := s.store.Blank(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("blank: %w", err)
	}
	if held == nil || held.CenterID != centerID || held.State != BlankSpoiled {
		return nil, blankSound(key, held, centerID)
	}
	out := &SpoiledBlank{Blank: *held}
	if held.ApplicationID == 0 {
		return out, nil
	}
	a, err := s.store.Application(ctx, by, held.ApplicationID)
	if err != nil {
		return nil, fmt.Errorf("application of blank %d: %w", held.ID, err)
	}
	out.Bears = a.bears(key)
	return out, nil
}

// blankSound is the refusal of a blank that is not spoiled, as far as the center
// knows.
func blankSound(key BlankKey, held *Blank, centerID int64) error {
	fault := BlankFault{Series: key.Series, Number: key.Number}
	if held != nil && held.CenterID == centerID {
		fault.State, fault.Application = held.State, held.Application
	}
	return refuseWith(Invalid, ReasonBlankSound, fault)
}

// bears reports whether an application's loaded certificate is on a blank.
func (a *Application) bears(key BlankKey) bool {
	return a.ScanID != 0 && a.BlankSeries == key.Series && a.BlankNumber == key.Number
}

// Unspoil takes back that a blank is spoiled, whoever said so or whatever replaced
// its scan: it bears its application's certificate again if that is on it still, else
// it is free. Revision is the blank's: whoever has seen another state gets
// ReasonBlankSound or a Conflict.
func (s *Blanks) Unspoil(ctx context.Context, by Actor, centerID int64, key BlankKey, revision int) (*SpoiledBlank, error) {
	var out *SpoiledBlank
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		seen, err := tx.Blank(ctx, key)
		if err != nil {
			return err
		}
		if seen == nil || seen.CenterID != centerID {
			return blankSound(key, seen, centerID)
		}
		sc, a, err := s.enterUnspoil(ctx, tx, by, seen)
		if err != nil {
			return err
		}
		b, err := tx.BlankForUpdate(ctx, key)
		if err != nil {
			return err
		}
		switch {
		case b == nil || b.State != BlankSpoiled:
			return blankSound(key, b, centerID)
		case b.Revision != revision || b.ApplicationID != seen.ApplicationID:
			return movedOn(ctx, tx, sc.by, SubjectBlank, b.ID, nil)
		}
		out = &SpoiledBlank{Blank: *b, Bears: a != nil && a.bears(key)}
		return sc.unspoil(ctx, b, a)
	})
	if err != nil {
		return nil, fmt.Errorf("take back a spoiled blank: %w", err)
	}
	return out, nil
}

// enterUnspoil is the center of a blank and the application whose certificate it
// bears, or bore, nil for none: its exam is held first.
func (s *Blanks) enterUnspoil(ctx context.Context, tx Tx, by Actor, seen *Blank) (*blankScene, *Application, error) {
	if seen.ApplicationID == 0 {
		sc, err := enterBlanks(ctx, tx, s.now, by, seen.CenterID)
		return sc, nil, err
	}
	a, err := tx.Application(ctx, by, seen.ApplicationID)
	if err != nil {
		return nil, nil, err
	}
	sc, err := enterExam(ctx, tx, s.now, by, a.ExamID)
	if err != nil {
		return nil, nil, err
	}
	list, err := tx.ApplicationsForUpdate(ctx, a.ExamID, []int64{a.ID})
	if err != nil {
		return nil, nil, err
	}
	if len(list) == 0 {
		return nil, nil, refuse(NotFound, ReasonNotFound)
	}
	return sc.blanks(), &list[0], nil
}

// unspoil lets a spoiled blank, which is held, bear the certificate of a again, or be
// free; a is nil when it bore none.
func (sc *blankScene) unspoil(ctx context.Context, b *Blank, a *Application) error {
	key, reason := b.Key(), b.Reason
	if a != nil && a.bears(key) {
		if err := sc.bearAgain(ctx, b, "unspoil", reason); err != nil {
			return err
		}
	} else if err := sc.free(ctx, b, "unspoil", reason); err != nil {
		return err
	}
	if a == nil {
		return nil
	}
	a.Revision++
	if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return err
	}
	return sc.tx.AddHistory(ctx, History{
		Subject: SubjectApplication, SubjectID: a.ID, At: sc.now, PersonID: sc.by.PersonID, Event: "unspoil_blank",
		FromStatus: string(a.Status()), ToStatus: string(a.Status()), Comment: key.String(),
	})
}

// bearAgain writes that a spoiled blank, which is held, bears the certificate of its
// application again.
func (sc *blankScene) bearAgain(ctx context.Context, b *Blank, event, comment string) error {
	b.State, b.Reason, b.ChangedBy, b.ChangedAt = BlankUsed, "", sc.by.PersonID, sc.now
	b.Revision++
	if err := sc.tx.SaveBlank(ctx, b); err != nil {
		return err
	}
	return sc.note(ctx, b, event, BlankSpoiled, comment)
}

// free writes that nothing has become of a blank, which is held.
func (sc *blankScene) free(ctx context.Context, b *Blank, event, comment string) error {
	from := b.State
	b.State = ""
	if err := sc.tx.FreeBlank(ctx, b.ID); err != nil {
		return err
	}
	return sc.note(ctx, b, event, from, comment)
}
