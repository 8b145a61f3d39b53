package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

func TestAnArchiveIsPackedForWhoeverMaySeeTheAct(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	archives := service.NewArchives(d.store, d.acts, d.files, func(key, arg string) (string, error) { return key + "/" + arg, nil })
	a := d.in("awaiting_journal")
	d.outbox()

	if err := archives.Order(t.Context(), d.stranger, a.ID, 1); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("another partner orders: %v", err)
	}
	// Nothing could be packed yet, and of a letter that no font has never.
	if err := archives.Order(t.Context(), d.rep, a.ID, 1); service.ReasonOf(err) != service.ReasonNotPrinted {
		t.Errorf("ordered before the act is printed: %v", err)
	}
	if got := d.jobs("build_archive"); got != nil {
		t.Errorf("jobs of refused orders: %q", got)
	}
	if err := d.acts.Print(t.Context(), service.PrintAct{ActID: a.ID, Version: 1}); err != nil {
		t.Fatal(err)
	}
	d.outbox()
	if err := archives.Order(t.Context(), d.rep, a.ID, 1); err != nil || len(d.jobs("build_archive")) != 1 {
		t.Errorf("%v, jobs %q", err, d.jobs("build_archive"))
	}

	job := service.BuildArchive{ActID: a.ID, PersonID: d.rep.PersonID}
	if err := archives.Build(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Ольга Петрова archive"}, d.outbox()); diff != "" {
		t.Error(diff)
	}
	d.exec("UPDATE memberships SET removed_at = now() WHERE person_id = ?", d.rep.PersonID)
	if err := archives.Build(t.Context(), job); err != nil {
		t.Error(err)
	}
	if got := d.outbox(); got != nil {
		t.Errorf("packed for somebody without rights: %q", got)
	}
}
