package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// tryChoose has somebody say of which exam a batch is, whatever its pages say.
func (d *scanDesk) tryChoose(by service.Actor, b *service.ScanBatch, e *service.Exam) error {
	d.t.Helper()
	_, err := d.batches.ChooseExam(d.t.Context(), by, service.ChooseBatchExam{BatchID: b.ID, ExamID: e.ID, Confirmed: true})
	return err
}

func (d *scanDesk) chooses(by service.Actor, b *service.ScanBatch, e *service.Exam) {
	d.t.Helper()
	if err := d.tryChoose(by, b, e); err != nil {
		d.t.Fatal(err)
	}
}

// leaves ends the rights of somebody in every center.
func (d *scanDesk) leaves(who service.Actor) {
	d.t.Helper()
	d.exec(`UPDATE memberships SET removed_at = now() WHERE person_id = ?`, who.PersonID)
}

// batchTasks lists the batches whose exam somebody is asked for.
func (d *scanDesk) batchTasks(by service.Actor) []service.BatchToChoose {
	d.t.Helper()
	tasks, err := service.NewTasks(d.store, nil, d.now).List(d.t.Context(), by)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []service.BatchToChoose
	for _, task := range tasks {
		if task.Kind == service.TaskBatchExam {
			out = append(out, task.Batch)
		}
	}
	return out
}

// TestAColleagueSaysWhichExamABatchIs goes on with a batch whose sender is away, or
// works in the center no more.
func TestAColleagueSaysWhichExamABatchIs(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"the sender is away": false, "the sender has left": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			first, list := d.waiting(2)
			second, others := d.waiting(2, elsewhere)
			b := d.sends(d.anna, nil, d.scanned(list[0]), d.scanned(others[0]))
			d.work()
			if gone {
				d.leaves(d.anna)
			}
			want := []service.BatchToChoose{{ID: b.ID, CenterID: d.org.ID, Sender: d.anna.Name, SentOn: day(t, "2026-03-02"), Pages: 2}}
			if diff := cmp.Diff(want, d.batchTasks(d.boris)); diff != "" {
				t.Error(diff)
			}
			for who, by := range map[string]service.Actor{"an admin": d.admin, "another center's staff": d.stranger} {
				if err := d.tryChoose(by, b, first); err == nil {
					t.Errorf("%s chooses", who)
				}
				if _, err := d.batches.ToChoose(t.Context(), by, d.org.ID, 9); service.ReasonOf(err) != service.ReasonForbidden {
					t.Errorf("%s looks: %v", who, err)
				}
			}
			d.chooses(d.boris, b, first)
			err := d.tryChoose(d.anna, b, second)
			if moved, _ := service.AsError(err).Data.(service.Moved); !gone && (moved.By != d.boris.Name || moved.Event != "choose") {
				t.Errorf("the sender is told %v", err)
			}
			if gone && service.AsError(err).Kind == service.Internal {
				t.Error(err)
			}
			d.work()
			if diff := cmp.Diff([]string{"matched number+name 001", "question other exam 001"}, d.fates(b)); diff != "" {
				t.Error(diff)
			}
			v, err := d.batches.Batch(t.Context(), d.boris, b.ID)
			if err != nil || v.Batch.State != service.BatchSettled || v.ChosenBy != d.boris.Name || v.Sender != d.anna.Name {
				t.Errorf("the view is %+v, %v", v, err)
			}
			if diff := cmp.Diff([]string{"scan_report"}, d.told(d.boris)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"scan_batch", "scan_choose", "scan_report"}, d.told(d.anna)); diff != "" {
				t.Error(diff)
			}
			if left := d.batchTasks(d.boris); left != nil {
				t.Errorf("still asked for are %+v", left)
			}
		})
	}
}

// TestWhatItsPagesFoundIsNotChosenAgain chooses for a batch whose exam nobody was
// asked for.
func TestWhatItsPagesFoundIsNotChosenAgain(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	b := d.sends(d.anna, nil, d.scanned(list[0]))
	d.work()
	if err := d.tryChoose(d.boris, b, e); service.ReasonOf(err) != service.ReasonBatchChosen {
		t.Error(err)
	}
}

func TestAnExamThatPagesDoNotSpeakForIsConfirmed(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	first, list := d.waiting(3)
	second, others := d.waiting(2, elsewhere)
	third, _ := d.waiting(1, func(_ int, a *service.Application) { a.RegistrationNumber = "26-10-88888-000001-1" })
	tests := []struct {
		name  string
		pages [][]byte
		exam  *service.Exam
		want  service.BatchDoubt
	}{
		{"nothing was read", [][]byte{d.scanned(list[0], blotted)}, first, service.BatchDoubt{}},
		{
			"pages are of two, one of them",
			[][]byte{d.scanned(list[0]), d.scanned(list[1]), d.scanned(others[0])},
			second,
			service.BatchDoubt{Agree: 1, Others: []service.ExamPages{{Number: first.Number, Pages: 2}}},
		},
		{
			"pages are of two, a third",
			[][]byte{d.scanned(list[2]), d.scanned(others[1])},
			third,
			service.BatchDoubt{Others: []service.ExamPages{{Number: first.Number, Pages: 1}, {Number: second.Number, Pages: 1}}},
		},
	}
	for _, tt := range tests {
		b := d.sends(d.anna, nil, tt.pages...)
		d.work()
		in := service.ChooseBatchExam{BatchID: b.ID, ExamID: tt.exam.ID}
		_, err := d.batches.ChooseExam(t.Context(), d.anna, in)
		got, _ := service.AsError(err).Data.(service.BatchDoubt)
		tt.want.Exam = got.Exam
		if diff := cmp.Diff(tt.want, got); service.ReasonOf(err) != service.ReasonBatchDoubt || got.Exam.ID != tt.exam.ID || diff != "" {
			t.Errorf("%s: %v, %s", tt.name, err, diff)
		}
		if v := d.view(b); v.Batch.State != service.BatchChoosing || v.Batch.ExamID != 0 {
			t.Errorf("%s: the batch is %+v", tt.name, v.Batch)
		}
		in.Confirmed = true
		if _, err := d.batches.ChooseExam(t.Context(), d.anna, in); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		d.work()
	}
}
