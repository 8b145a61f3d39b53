package bot

import (
	"context"

	"flowbot/service"
)

// batchChooseView is what is asked when no page says of which exam a batch is.
type batchChooseView struct {
	*service.BatchView
	Exams int  // to choose from
	Own   bool // the reader has sent it
	Zone  string
}

// renderBatchChoose asks of which exam a batch is.
func (b *Bot) renderBatchChoose(ctx context.Context, to service.Actor, n service.BatchChooseNotice) (letter, error) {
	r, err := b.batchChoices(ctx, to, n.BatchID)
	if err != nil {
		return gone(err)
	}
	return letter{Reply: r, Skip: r.Text == ""}, nil
}

// batchChoices is the question of which exam a batch is; the zero Reply when that
// is known by now.
func (b *Bot) batchChoices(ctx context.Context, to service.Actor, batchID int64) (Reply, error) {
	v, err := b.Batches.Batch(ctx, to, batchID)
	if err != nil || v.Batch.State != service.BatchChoosing {
		return Reply{}, err
	}
	list, err := b.Batches.ExamsToChoose(ctx, to, batchID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "scans_which", Data: batchChooseView{v, len(list), v.Batch.PersonID == to.PersonID, to.Zone}}
	for _, e := range list[:min(len(list), pageSize)] {
		r.Rows = append(r.Rows, row(Button{Label: "batch_exam_item", Args: e, Press: Press{pressBatchExam, e.ID, int(batchID)}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{pressBatchOther, batchID, 0}}),
		row(Button{Press: Press{Do: pressBatchCancelAsk, ID: batchID}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// batchExamPressed says of which exam a batch is.
func (b *Bot) batchExamPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return Reply{}, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
	}
	return b.chooseBatchExam(ctx, t, service.ChooseBatchExam{BatchID: int64(t.Press.Version), ExamID: t.Press.ID})
}

// batchSurePressed says so again, after a warning.
func (b *Bot) batchSurePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.batchesPressed(ctx, t)
	}
	return b.chooseBatchExam(ctx, t, service.ChooseBatchExam{BatchID: int64(t.Press.Version), ExamID: t.Press.ID, Confirmed: true})
}

// chooseBatchExam says of which exam a batch is; what comes of it is told by its
// report.
func (b *Bot) chooseBatchExam(ctx context.Context, t *Turn, in service.ChooseBatchExam) (Reply, error) {
	batch, err := b.Batches.ChooseExam(ctx, t.By, in)
	if doubt, isDoubt := service.AsError(err).Data.(service.BatchDoubt); err != nil && isDoubt {
		return doubtReply(in, doubt), nil
	}
	if err != nil {
		v, verr := b.Batches.Batch(ctx, t.By, in.BatchID)
		if verr == nil && v.Batch.ExamID == in.ExamID && (t.Again || v.Batch.ChosenBy == t.By.PersonID) {
			batch, err = &v.Batch, nil // chosen by this very press, or tapped twice
		}
	}
	if err != nil {
		return Reply{}, err
	}
	v, err := b.Exams.View(ctx, t.By, batch.ExamID)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Text: "scans_chosen", Data: v.Exam, Edit: true, Rows: examRows(v.Exam.ID, v.Exam.Number)}, nil
}

// doubtReply warns of an exam that the pages do not speak for.
func doubtReply(in service.ChooseBatchExam, doubt service.BatchDoubt) Reply {
	return Reply{Text: "scans_doubt", Data: doubt, Edit: true, Rows: [][]Button{
		row(Button{Press: Press{pressBatchSure, in.ExamID, int(in.BatchID)}}),
		row(Button{Label: "back", Press: Press{Do: pressBatchAsk, ID: in.BatchID}}, Button{Press: Press{Do: pressMenu}}),
	}}
}

// batchAskPressed asks of which exam a batch is, whoever has sent it.
func (b *Bot) batchAskPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.batchesPressed(ctx, t)
	}
	return edited(b.batchCard(ctx, t, t.Press.ID))
}

// batchCard shows a batch as it is now; cards is its reader. While it is open its
// sender has one card of its progress: this one takes the place of the one before.
func (b *Bot) batchCard(ctx context.Context, t *Turn, id int64) (Reply, error) {
	r, err := b.batchChoices(ctx, t.By, id)
	if err != nil || r.Text != "" {
		return r, err
	}
	v, err := b.Batches.Batch(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	if v.Batch.PersonID != t.By.PersonID {
		r = batchScreen(v, t.By)
		r.Live = service.BatchNotice{BatchID: id}
		return r, nil
	}
	if v.Batch.State != service.BatchOpen {
		return batchScreen(v, t.By), nil
	}
	r = progressReply(v, t.By)
	r.sent = func(ctx context.Context, messageID int) error {
		if int64(messageID) != v.Batch.MessageID {
			b.remove(ctx, t.Chat, v.Batch.MessageID)
		}
		return b.Batches.Shown(ctx, t.By, id, int64(messageID))
	}
	return r, nil
}

// batchFoot leads out of a batch.
func batchFoot(v *service.BatchView) [][]Button {
	if v.Exam == nil {
		return [][]Button{row(Button{Press: Press{Do: pressMenu}})}
	}
	return examRows(v.Exam.ID, v.Exam.Number)
}

// batchesPressed lists the batches of which somebody has to say the exam, or opens
// the only one.
func (b *Bot) batchesPressed(ctx context.Context, t *Turn) (Reply, error) {
	center := int64(0)
	if t.Press.Do == pressBatches {
		center = t.Press.ID
	}
	list, err := b.Batches.ToChoose(ctx, t.By, center, choosable)
	if err != nil {
		return Reply{}, err
	}
	if len(list) == 1 {
		return edited(b.batchCard(ctx, t, list[0].ID))
	}
	r := Reply{Text: "batches", Data: list, Edit: true}
	for i := range list {
		r.Rows = append(r.Rows, row(Button{Label: "batch_item", Args: list[i], Press: Press{Do: pressBatchAsk, ID: list[i].ID}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// batchCenterRows lead to the batches of a center of which somebody has to say the
// exam.
func (b *Bot) batchCenterRows(ctx context.Context, t *Turn, centerID int64) ([][]Button, error) {
	list, err := b.Batches.ToChoose(ctx, t.By, centerID, choosable)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return [][]Button{row(Button{Press: Press{Do: pressBatches, ID: centerID}, Args: len(list)})}, nil
}

// otherExamForm is the batch whose exam is asked for.
type otherExamForm struct {
	BatchID int64
	Number  string
}

// otherExam asks for the number of the exam of a batch.
var otherExam = Wizard[otherExamForm]{
	Name: "scan_batch_exam", Brief: true,
	Steps: []Step[otherExamForm]{{
		Name: "number", Ask: askSearch[otherExamForm]("scans_other_ask"), Take: takeSearch(func(f *otherExamForm) *string { return &f.Number }),
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *otherExamForm) (Reply, error) {
		list, err := b.Exams.List(ctx, t.By, service.ExamFilter{Number: examNumber(f.Number), Own: true}, 0, 1)
		if err != nil {
			return Reply{}, err
		}
		if len(list) == 0 {
			return Reply{}, &service.Error{Kind: service.Invalid, Reason: ReasonExamUnknown}
		}
		r, err := b.chooseBatchExam(ctx, t, service.ChooseBatchExam{BatchID: f.BatchID, ExamID: list[0].ID})
		if service.ReasonOf(err) == service.ReasonBatchEarly { // another number may be meant
			e := *service.AsError(err)
			e.Kind, err = service.Invalid, &e
		}
		return r, err
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *otherExamForm) (Reply, error) {
		return b.batchCard(ctx, t, f.BatchID)
	},
}

// ReasonExamUnknown means that no exam of the person's centers has the number.
const ReasonExamUnknown service.Reason = "exam.unknown"

// batchOtherPressed asks for the number of the exam of a batch.
func (b *Bot) batchOtherPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseExamForScans(ctx, t)
	}
	if err := b.Batches.Offered(ctx, t.By, t.Press.ID); err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, otherExam, otherExamForm{BatchID: t.Press.ID}))
}
