package db_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

// person adds somebody and returns their id.
func person(t *testing.T, d *db.DB, telegramID int64) int64 {
	t.Helper()
	var id int64
	err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		p, err := tx.PersonForTelegram(ctx, service.Person{Name: "Ольга", TelegramID: telegramID, Language: "ru"})
		if err != nil {
			return err
		}
		id = p.ID
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func inTx(t *testing.T, d *db.DB, fn func(ctx context.Context, tx service.Tx) error) {
	t.Helper()
	if err := d.InTx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestADraftIsKeptToTheLetter(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	id := person(t, d, 1)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	want := &service.Draft{
		PersonID: id, Kind: "act_reject", Step: "comment", UpdateID: 7, MessageID: 8, UpdatedAt: at,
		// Order, doubled spaces and what a text column cannot hold, all stay.
		Form: json.RawMessage(`{"b":  1, "a": "\u0000 <b>'?' ?0 \\\" 👨‍👩‍👧", "id": 9007199254740993}`),
	}
	got, err := d.Draft(t.Context(), id)
	if got != nil || err != nil {
		t.Fatalf("before there is one: %v, %v", got, err)
	}
	inTx(t, d, func(ctx context.Context, tx service.Tx) error { return tx.SaveDraft(ctx, want) })
	if got, err = d.Draft(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// Another one takes its place; its card alone can change.
	want = &service.Draft{PersonID: id, Kind: "journal", Step: "files", Form: json.RawMessage(`{}`), UpdateID: 9, UpdatedAt: at.Add(time.Hour)}
	inTx(t, d, func(ctx context.Context, tx service.Tx) error {
		if err := tx.SaveDraft(ctx, want); err != nil {
			return err
		}
		return tx.SetDraftCard(ctx, id, 77)
	})
	want.MessageID = 77
	if got, err = d.Draft(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	inTx(t, d, func(ctx context.Context, tx service.Tx) error {
		if err := tx.DropDraft(ctx, id); err != nil {
			return err
		}
		if err := tx.DropDraft(ctx, id); err != nil {
			return err
		}
		return tx.SetDraftCard(ctx, id, 78)
	})
	if got, err = d.Draft(t.Context(), id); got != nil || err != nil {
		t.Errorf("after it was dropped: %v, %v", got, err)
	}
}

func TestAFileIsRecordedOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	first := service.File{SHA256: sha("a"), Size: 1, Type: "application/pdf", CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	inTx(t, d, func(ctx context.Context, tx service.Tx) error {
		if err := tx.SaveFile(ctx, first); err != nil {
			return err
		}
		return tx.SaveFile(ctx, service.File{SHA256: first.SHA256, Size: 1, Type: "text/plain"})
	})
	got, err := d.File(t.Context(), first.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&first, got); diff != "" {
		t.Error(diff)
	}
	inTx(t, d, func(ctx context.Context, tx service.Tx) error {
		return tx.SaveFile(ctx, service.File{SHA256: sha("b"), Size: 1, Type: "text/plain"})
	})
	if got, err := d.File(t.Context(), sha("b")); err != nil || got.CreatedAt.IsZero() {
		t.Errorf("a file without a date: %+v, %v", got, err)
	}
}
