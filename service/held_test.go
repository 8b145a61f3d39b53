package service_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/db"
	"flowbot/service"
)

// whileHeld begins do while another transaction holds the cohort, waits until do
// stands before its row, and then commits what the statements change.
func (d *desk) whileHeld(cohortID int64, do func(), statements ...string) {
	d.t.Helper()
	whileLocked(d.t, d.store, fmt.Sprintf("SELECT 1 FROM cohorts WHERE id = %d FOR UPDATE", cohortID), []func(){do}, statements...)
}

// whileLocked begins all of do while another transaction holds what lock says,
// waits until each of them stands before a lock, and then commits what the
// statements change.
func whileLocked(t *testing.T, store *db.DB, lock string, do []func(), statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	held, err := store.Bun().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Rollback() }()
	if _, err := held.NewRaw(lock).Exec(ctx); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, one := range do {
		all.Go(one)
	}
	for waits := 0; waits < len(do); {
		err := store.Bun().NewRaw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").
			Scan(ctx, &waits)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range statements {
		if _, err := held.NewRaw(s).Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := held.Commit(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
}

func TestAnImportSeesTheActForWhichItHasWaited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.load(service.CommandLine, workbook(t, cohortsTab(cohortCells("118")), learnersTab(learnerCells("118", "1"))))
	cohort := d.allCohorts()[0]
	path := workbook(t, cohortsTab(with(cohortCells("118"), 1, "Другая")))

	var report service.ImportReport
	var err error
	d.whileHeld(cohort.ID, func() { report, err = newImports(d).Import(t.Context(), d.reviewer, path, false) }, `
		INSERT INTO acts (number, cohort_id, partner_id, status, generated_by, created_at, updated_at)
		SELECT c.number || '/1', c.id, c.partner_id, 'awaiting_journal', m.person_id, now(), now()
		FROM cohorts AS c JOIN memberships AS m ON m.org_id = c.partner_id ORDER BY m.id LIMIT 1`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Потоки 2 Программа: import.cohort_in_act"}, bads(report)); diff != "" {
		t.Error(diff)
	}
}

func TestARightThatEndsWhileAMoveWaitsIsGone(t *testing.T) {
	t.Parallel()
	d := newPost(t)
	tests := []struct {
		name string
		do   func(by service.Actor, a *service.Act) error
	}{
		{"a package is sent", func(by service.Actor, a *service.Act) error {
			_, err := d.acts.Submit(t.Context(), by, service.SubmitInput{CohortID: a.CohortID})
			return err
		}},
		{"an act is cancelled", func(by service.Actor, a *service.Act) error {
			_, err := d.acts.Cancel(t.Context(), by, a.ID, a.Revision, "ошибка")
			return err
		}},
		{"a file comes in", func(by service.Actor, a *service.Act) error {
			_, err := d.journals.Receive(t.Context(), by, service.ReceiveInput{CohortID: a.CohortID, UpdateID: 9, ChatRef: "ref", Name: "a.pdf"})
			return err
		}},
		{"a conversation begins", func(by service.Actor, a *service.Act) error {
			_, err := d.journals.Begin(t.Context(), by, a.CohortID)
			return err
		}},
		{"loose files are for the cohort", func(by service.Actor, a *service.Act) error {
			return d.journals.Assign(t.Context(), by, a.CohortID)
		}},
	}
	for _, tt := range tests {
		// They represent the operator, too: the cohort stays in their sight.
		a := d.in("awaiting_journal")
		var err error
		d.whileHeld(a.CohortID, func() { err = tt.do(d.both, a) },
			"UPDATE memberships SET removed_at = now() WHERE role = 'partner_rep' AND removed_at IS NULL AND person_id IN (SELECT person_id FROM memberships WHERE role = 'operator_rep')")
		if got := service.ReasonOf(err); got != service.ReasonForbidden {
			t.Errorf("%s: %v, want %s", tt.name, err, service.ReasonForbidden)
		}
		d.exec("UPDATE memberships SET removed_at = NULL WHERE person_id = ?", d.both.PersonID)
	}
}
