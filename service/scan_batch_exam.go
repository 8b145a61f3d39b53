package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// ExamChoice is an exam that a batch may be of.
type ExamChoice struct {
	ExamItem
	Pages int // that the machine takes for this exam's
}

// mostExams is how many exams of a center wait for scans at most, the newest
// ones: what the pages of a batch without an exam are read against.
const mostExams = 20

// ExamsToChoose lists the exams of the center of a batch that wait for scans:
// those that pages speak for first, then the newest. For the staff of its center.
func (s *ScanBatches) ExamsToChoose(ctx context.Context, by Actor, batchID int64) ([]ExamChoice, error) {
	b, err := s.visible(ctx, by, batchID)
	if err != nil {
		return nil, err
	}
	list, err := s.store.ExamsForScans(ctx, b.CenterID, mostExams)
	if err != nil {
		return nil, fmt.Errorf("exams for batch %d: %w", batchID, err)
	}
	votes, err := s.votes(ctx, s.store, b)
	if err != nil {
		return nil, err
	}
	return choicesOf(list, votes), nil
}

// Offered is nil while somebody has to say of which exam a batch is, which the
// actor may; else the refusal that saying it would meet.
func (s *ScanBatches) Offered(ctx context.Context, by Actor, batchID int64) error {
	b, err := s.visible(ctx, by, batchID)
	if err != nil {
		return err
	}
	if b.State != BatchChoosing {
		return batchMovedOn(ctx, s.store, by, b, nil)
	}
	return nil
}

// ChooseBatchExam says of which exam a batch is.
type ChooseBatchExam struct {
	BatchID   int64
	ExamID    int64
	Confirmed bool // the person knows what the pages say against it
}

// BatchDoubt is what the pages of a batch say against an exam that is said to be
// theirs.
type BatchDoubt struct {
	Exam   Exam
	Agree  int // pages that the machine takes for this exam's
	Others []ExamPages
}

// ExamPages is how many pages of a batch the machine takes for an exam's.
type ExamPages struct {
	Number string // of the exam
	Pages  int
}

// ChooseExam says of which exam a batch is, for the staff of its center. What was
// not matched with that exam is read once more against its list. An exam for which
// no page speaks, or that pages speak against, is refused with ReasonBatchDoubt
// until it is confirmed. Of two who choose one wins; the other is told who.
func (s *ScanBatches) ChooseExam(ctx context.Context, by Actor, in ChooseBatchExam) (*ScanBatch, error) {
	var out *ScanBatch
	err := inExam(ctx, s.store, s.now, by, in.ExamID, func(ctx context.Context, sc *examScene) error {
		b, err := sc.tx.ScanBatchForUpdate(ctx, in.BatchID)
		if err != nil {
			return err
		}
		if b.CenterID != sc.exam.CenterID {
			return refuse(NotFound, ReasonNotFound)
		}
		if err := s.takesScans(ctx, sc.tx, sc.exam); err != nil {
			return err
		}
		if err := s.moveBatch(ctx, sc.tx, sc.by, b, BatchChoose); err != nil {
			return err
		}
		if !in.Confirmed {
			if err := s.doubt(ctx, sc, b); err != nil {
				return err
			}
		}
		b.ExamID, b.ChosenBy = in.ExamID, sc.by.PersonID
		if err := sc.tx.SaveScanBatch(ctx, b); err != nil {
			return err
		}
		out = b
		return s.readAgain(ctx, sc, b)
	})
	if err != nil {
		return nil, fmt.Errorf("choose the exam of batch %d: %w", in.BatchID, err)
	}
	return out, nil
}

// doubt refuses the exam of a scene for a batch whose pages do not speak for it
// alone.
func (s *ScanBatches) doubt(ctx context.Context, sc *examScene, b *ScanBatch) error {
	votes, err := s.votes(ctx, sc.tx, b)
	if err != nil {
		return err
	}
	d := BatchDoubt{Exam: *sc.exam, Agree: votes[sc.exam.ID]}
	delete(votes, sc.exam.ID)
	if d.Agree > 0 && len(votes) == 0 {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(votes)) {
		e, err := sc.tx.Exam(ctx, System, id)
		if err != nil {
			return fmt.Errorf("exam %d: %w", id, err)
		}
		d.Others = append(d.Others, ExamPages{e.Number, votes[id]})
	}
	return refuseWith(Invalid, ReasonBatchDoubt, d)
}

// BatchToChoose is a batch of which nobody knows the exam.
type BatchToChoose struct {
	ID       int64
	CenterID int64
	Sender   string // name
	SentOn   Day    // in the center's zone
	Pages    int
}

// ToChoose lists the batches of a center, 0 for all in which the actor works, of
// which somebody of its staff has to say the exam, oldest first, at most limit.
func (s *ScanBatches) ToChoose(ctx context.Context, by Actor, centerID int64, limit int) ([]BatchToChoose, error) {
	centers := by.Orgs(RoleCenterStaff)
	if centerID != 0 {
		if err := isStaffOf(by, centerID); err != nil {
			return nil, err
		}
		centers = []int64{centerID}
	}
	if len(centers) == 0 {
		return nil, refuse(Forbidden, ReasonForbidden)
	}
	list, err := s.store.BatchesToChoose(ctx, centers, limit)
	if err != nil {
		return nil, fmt.Errorf("batches to choose for: %w", err)
	}
	return list, nil
}
