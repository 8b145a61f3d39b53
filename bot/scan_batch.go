package bot

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"flowbot/service"
)

// Buttons of batches of scans. The ID is the exam's, unless said otherwise.
const (
	pressScans      Action = "sbl" // «Загрузить сканы»
	pressBatchExam  Action = "sbe" // chooses the exam of a batch, which is Version
	pressBatchOther Action = "sbt" // «Другой экзамен»; ID is the batch's
	pressBatchSure  Action = "sbf" // «Всё равно»: pressBatchExam of an exam that the pages do not speak for
	pressBatchAsk   Action = "sbk" // asks which exam a batch is; ID is the batch's
	pressBatches    Action = "sbn" // «Сканы без экзамена»; ID is the center's, 0 for all of the person's

	pressBatchCancelAsk Action = "sbc" // «Отменить пачку»: asks first; ID is the batch's
	pressBatchCancel    Action = "sbx" // ID is the batch's
)

func (b *Bot) batchActions() []action {
	return append([]action{
		{pressScans, "scans", b.scansPressed},
		{pressBatchExam, "batch_exam", b.batchExamPressed},
		{pressBatchOther, "batch_other", b.batchOtherPressed},
		{pressBatchSure, "batch_sure", b.batchSurePressed},
		{pressBatchAsk, "batch_ask", b.batchAskPressed},
		{pressBatches, "batches", b.batchesPressed},
		{pressBatchCancelAsk, "batch_cancel", b.batchCancelAskPressed},
		{pressBatchCancel, "batch_cancel_yes", b.batchCancelPressed},
	}, b.looseActions()...)
}

// batchTalks are the conversations about batches of scans.
func batchTalks() []talk { return []talk{sendScans, otherExam, sortScans} }

// batchNotices are the notices about batches. All of them are about a batch that
// the reader sent or went on with: told twice, they do no harm.
func (b *Bot) batchNotices() map[string]notice {
	return map[string]notice{
		service.BatchNotice{}.NoticeKind():       {each(b.renderBatch), true},
		service.BatchChooseNotice{}.NoticeKind(): {each(b.renderBatchChoose), true},
		service.BatchReportNotice{}.NoticeKind(): {each(b.renderBatchReport), true},
	}
}

// overLimit is a file that the chat cannot fetch.
type overLimit struct {
	Name string
	service.FileBound
}

// overLimitOf reads it out of a refusal, nil for any other.
func overLimitOf(name string, err error) *overLimit {
	if service.ReasonOf(err) != service.ReasonFileOverLimit {
		return nil
	}
	bound, _ := service.AsError(err).Data.(service.FileBound)
	return &overLimit{name, bound}
}

// overLimitView is what is said of such a file.
type overLimitView struct {
	*overLimit
	Page    bool // a button under the text leads to the page for such files
	Several bool // it does so by way of an exam, of several
	Admin   bool // the reader can change the limit
}

// batchForm is what must be known while scans of an exam are taken. The files go
// to their batch at once.
type batchForm struct {
	ExamID int64
	Exam   string     // number
	Batch  int64      // which the newest file joined
	Sent   int        // files that were taken
	Over   *overLimit // the newest file, when the chat cannot fetch it
}

// sendScans takes scans of an exam until the person has done, or turns to
// something else: what was sent goes on by itself.
var sendScans = Wizard[batchForm]{
	Name: "scan_batch", Brief: true,
	Steps: []Step[batchForm]{{Name: "files", Ask: askScans, Take: takeScans}},
	Done:  doneScans,
	Left:  leaveScans,
}

// leaveScans shows the exam, and what goes on without the person: nothing of it
// waits for more.
func leaveScans(ctx context.Context, b *Bot, t *Turn, f *batchForm) (Reply, error) {
	going, err := b.Batches.Sending(ctx, t.By)
	if err == nil && f.Sent > 0 {
		err = b.Batches.SentAll(ctx, t.By, f.ExamID)
	}
	if err != nil {
		return Reply{}, err
	}
	r, err := edited(b.examCard(ctx, t, f.ExamID))
	switch {
	case err != nil:
		return Reply{}, err
	case going != nil && f.Sent > 0:
		r.Lead = "scans_going_on"
	case f.Sent > 0 && f.Batch != 0:
		last, err := b.Batches.Batch(ctx, t.By, f.Batch)
		if err != nil {
			return Reply{}, err
		}
		if last.Cancelled == nil {
			r.Lead = "scans_over"
		}
	}
	return r, nil
}

// doneScans is leaveScans under the files that were sent, where it is seen: the
// pressed card stands above them, and goes.
func doneScans(ctx context.Context, b *Bot, t *Turn, f *batchForm) (Reply, error) {
	r, err := leaveScans(ctx, b, t, f)
	if err != nil || t.typed {
		return r, err
	}
	r.Edit = false
	r.sent = func(ctx context.Context, _ int) error {
		b.remove(ctx, t.Chat, int64(t.Message))
		return nil
	}
	return r, nil
}

func askScans(_ context.Context, b *Bot, t *Turn, f *batchForm) (Reply, error) {
	r := Reply{Text: "scans_ask", Data: f, Card: true}
	page := b.uploadPageRow(t, f.ExamID)
	if page != nil {
		r.Rows = append(r.Rows, page)
	}
	if f.Over != nil {
		r.Lead, r.LeadData = "scans_over_limit", overLimitView{overLimit: f.Over, Page: page != nil, Admin: t.By.Has(service.RoleAdmin)}
	}
	r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressDone, 0)}, Button{Press: t.inTalk(pressCancel, 0)}))
	return r, nil
}

func takeScans(ctx context.Context, b *Bot, t *Turn, f *batchForm) (Outcome, error) {
	f.Over = nil
	switch {
	case t.File != nil:
		in := scansOf(t, f.ExamID)
		in.Session = true
		batch, err := b.Batches.Receive(ctx, t.By, in)
		if f.Over = overLimitOf(t.File.Name, err); f.Over != nil {
			return stay, nil
		}
		if err != nil {
			return stay, err
		}
		f.Sent++
		f.Batch = batch.ID
		return held, nil
	case t.Press != nil && t.Press.Do == pressDone && f.Sent == 0:
		return stay, &service.Error{Kind: service.Invalid, Reason: service.ReasonUploadMissing}
	case t.Press != nil && t.Press.Do == pressDone:
		return finish, nil
	}
	return stay, unexpected(t)
}

// scansOf is the file of a turn as scans of an exam, 0 when it has to be found.
func scansOf(t *Turn, examID int64) service.ReceiveScans {
	return service.ReceiveScans{
		ExamID: examID, UpdateID: t.UpdateID, ChatRef: t.File.Ref, Name: t.File.Name, Size: t.File.Size, Album: t.File.Album != "",
	}
}

// scansPressed opens the conversation that takes the scans of an exam.
func (b *Bot) scansPressed(ctx context.Context, t *Turn) (Reply, error) {
	if !t.By.Has(service.RoleCenterStaff) {
		return Reply{}, &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	}
	if t.Press.ID == 0 {
		if r, err := b.openQuestion(ctx, t); err != nil || r.Text != "" {
			return r, err
		}
		return b.chooseExamForScans(ctx, t)
	}
	e, err := b.Batches.Begin(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, sendScans, batchForm{ExamID: e.ID, Exam: e.Number}))
}

// openQuestion is what is still asked about a batch that the person has sent, the
// zero Reply when nothing is. Who names an exam is not asked.
func (b *Bot) openQuestion(ctx context.Context, t *Turn) (Reply, error) {
	going, err := b.Batches.Sending(ctx, t.By)
	if err != nil || going == nil || t.Suffix != "" {
		return Reply{}, err
	}
	return edited(b.batchChoices(ctx, t.By, going.ID))
}

// chooseExamForScans lets choose among the exams whose certificates wait for their
// scans; where none does, among those of which some have been printed.
func (b *Bot) chooseExamForScans(ctx context.Context, t *Turn) (Reply, error) {
	awaited := service.ExamFilter{Certificates: scansAwaited, Own: true}
	some, err := b.Exams.List(ctx, t.By, awaited, 0, 1)
	if err != nil {
		return Reply{}, err
	}
	if len(some) == 0 {
		awaited = unloaded
	}
	return b.chooseExam(ctx, t, awaited, pressScans)
}

// renderBatch renews the card of progress of a batch. It stays where it is: more
// files and answers may have come under it. A colleague has one while they look at it.
func (b *Bot) renderBatch(ctx context.Context, to service.Actor, n service.BatchNotice) (letter, error) {
	v, err := b.Batches.Batch(ctx, to, n.BatchID)
	if err != nil {
		return gone(err)
	}
	if v.Batch.PersonID != to.PersonID {
		return b.renew(ctx, to, n, batchScreen(v, to))
	}
	l := letter{Reply: progressReply(v, to), EditID: int(v.Batch.MessageID)}
	if v.Batch.State != service.BatchOpen { // what came of it is told by a message of its own
		if l.EditOnly = true; l.EditID == 0 {
			return letter{Skip: true}, nil
		}
	}
	l.Sent = func(ctx context.Context, id int) error { return b.Batches.Shown(ctx, to, n.BatchID, int64(id)) }
	return l, nil
}

// progressView is what the card of progress shows.
type progressView struct {
	*service.BatchView
	Zone string
}

// progressReply is the card of progress of a batch.
func progressReply(v *service.BatchView, to service.Actor) Reply {
	shortenRefused(v)
	r := Reply{Text: "scans_progress", Data: progressView{v, to.Zone}}
	if v.Batch.State == service.BatchOpen {
		r.Rows = [][]Button{row(Button{Press: Press{Do: pressBatchCancelAsk, ID: v.Batch.ID}})}
	}
	return r
}

// batchScreen is a batch as somebody sees it who has opened it.
func batchScreen(v *service.BatchView, to service.Actor) Reply {
	r := progressReply(v, to)
	r.Rows = append(r.Rows, batchFoot(v)...)
	return r
}

// shortenRefused has names of files that were not taken as they are shown.
func shortenRefused(v *service.BatchView) {
	for i := range v.Refused {
		v.Refused[i].Name = shortened(v.Refused[i].Name, shownName)
	}
}

// reportView is what is told of a batch in the end.
type reportView struct {
	*service.BatchView
	Scans   *service.LoadedScans // of the exam; nil while that is not known
	Asides  []asideView
	NoPages []asideView // entries of archives that are no pages
	Zone    string
}

func reportOf(v *service.BatchView, zone string) reportView {
	shortenRefused(v)
	room := reportRoom
	for i := range v.Missing {
		if v.Asked[v.Missing[i].ID] {
			room -= askedMark
		}
	}
	for _, named := range [][]service.Application{v.Missing, v.TakenOff[:min(len(v.TakenOff), mostTakenOff)]} {
		for i := range named {
			room -= utf8.RuneCountInString(named[i].LastName + named[i].FirstName + named[i].Number)
		}
	}
	return reportView{BatchView: v, Asides: asidesOf(v.AsideBy, &room), NoPages: asidesOf(v.EntriesBy, &room), Zone: zone}
}

// repeatsRoom is asidesOf's room for what a batch repeats.
const repeatsRoom = 150

// Repeated are the pages that repeat a question which is still open: one at most.
func (v reportView) Repeated() []asideView {
	if v.Repeats == nil {
		return nil
	}
	room := repeatsRoom
	return asidesOf([]service.AsideGroup{{Rule: service.PageRuleDuplicate, Pages: v.Repeats}}, &room)
}

// asideView is pages that nothing comes of, for one reason.
type asideView struct {
	Rule   service.MatchRule
	Places []placeView
	More   int // how many more there are
}

// placeView says where pages stand that follow one another.
type placeView struct {
	File    string // or the archive's entry
	Pages   string // such as 2–5, 7; "" for the only one
	More    int    // how many more pages there are
	Archive string // in which it is, at the last that follow one another in it; "" for none
}

// mostPlaces is how many files are named of one reason: nobody looks up more of
// them in a chat.
const mostPlaces = 10

// mostTakenOff is how many applications are named whose scan was taken back.
const mostTakenOff = 5

// reportRoom is how many letters the names of people and the places of pages may
// take in a report together: names of files can be long, and the report is one
// message.
const reportRoom = 2000

// askedMark is how many letters are added to somebody whose page is a question.
const askedMark = 14

// mostRuns is how many numbers of pages are told of one file: of sheets that were
// scanned on both sides every second page is empty.
const mostRuns = 10

// placeWords is how many letters the words between two places take at most.
const placeWords = 25

// asidesOf names the places of pages that nothing comes of, as long as there is
// room for their letters, of which it takes its own.
func asidesOf(groups []service.AsideGroup, room *int) []asideView {
	var out []asideView
	for _, g := range groups {
		a := asideView{Rule: g.Rule}
		for rest := g.Pages; len(rest) > 0; {
			if len(a.Places) == mostPlaces || *room <= 0 {
				a.More = len(rest)
				break
			}
			n := slices.IndexFunc(rest, func(p service.PagePlace) bool { return p.File != rest[0].File || p.Name != rest[0].Name })
			if n < 0 {
				n = len(rest)
			}
			place := placeView{File: shortened(cmp.Or(rest[0].Name, rest[0].File), shownName)}
			if rest[0].Of > 1 {
				place.Pages, place.More = pageRuns(rest[:n])
			}
			*room -= utf8.RuneCountInString(place.File+place.Pages) + placeWords
			last := n == len(rest) || rest[n].File != rest[0].File || len(a.Places)+1 == mostPlaces || *room <= 0
			if last && rest[0].Name != "" {
				place.Archive = shortened(rest[0].File, shownName)
				*room -= utf8.RuneCountInString(place.Archive)
			}
			a.Places = append(a.Places, place)
			rest = rest[n:]
		}
		out = append(out, a)
	}
	return out
}

// pageRuns lists the numbers of pages, those that follow one another as one, and
// returns how many it leaves out.
func pageRuns(pages []service.PagePlace) (string, int) {
	var out []string
	for i := 0; i < len(pages); {
		if len(out) == mostRuns {
			return strings.Join(out, ", "), len(pages) - i
		}
		j := i
		for j+1 < len(pages) && pages[j+1].Number == pages[j].Number+1 {
			j++
		}
		run := strconv.Itoa(pages[i].Number)
		if j > i {
			run += "–" + strconv.Itoa(pages[j].Number)
		}
		out, i = append(out, run), j+1
	}
	return strings.Join(out, ", "), 0
}

// renderBatchReport tells what came of a batch: the pictures of its pages first,
// then the words.
func (b *Bot) renderBatchReport(ctx context.Context, to service.Actor, n service.BatchReportNotice) (letter, error) {
	v, err := b.Batches.Batch(ctx, to, n.BatchID)
	if err != nil {
		return gone(err)
	}
	if v.Cancelled != nil {
		return letter{Reply: cancelledReply(v, to)}, nil
	}
	l := letter{Reply: Reply{Text: "scans_report"}}
	shown := reportOf(v, to.Zone)
	if v.Exam != nil {
		if shown.Scans, err = b.Batches.Loaded(ctx, to, v.Exam.ID); err != nil {
			return letter{}, err
		}
		l.Rows = append(l.Rows, reportQuestionRows(v)...)
		if v.Matched > 0 && shown.Scans.Unnamed > 0 {
			l.Rows = append(l.Rows, row(Button{Press: Press{Do: pressNameBlanks}}))
		}
		if v.Aside+v.Entries > 0 {
			l.Rows = append(l.Rows, row(Button{Press: Press{Do: pressPages, ID: n.BatchID}}))
		}
		if v.Matched > 0 && shown.Scans.Linked > 0 {
			l.Rows = append(l.Rows, deliveryRows(v.Exam, shown.Scans.Linked)...)
		}
		l.Rows = append(l.Rows, examRows(v.Exam.ID, v.Exam.Number)...)
	} else {
		l.Rows = append(l.Rows, row(Button{Press: Press{Do: pressMenu}}))
	}
	l.Data = shown
	l.before, err = b.batchSheets(ctx, to, v)
	return l, err
}

// reportQuestionRows lead to the questions of the exam: to those of the batch first,
// else to those of an earlier one that it repeats.
func reportQuestionRows(v *service.BatchView) [][]Button {
	if v.Open == 0 {
		return nil
	}
	first := v.RepeatsOf
	if v.Questions > 0 {
		first = v.Batch.ID
	}
	return [][]Button{row(Button{Press: Press{pressQuestions, v.Exam.ID, int(first)}, Args: v.Open})}
}

// batchSheets are the pictures of the pages of a batch; a page alone is told of
// well enough by the words.
func (b *Bot) batchSheets(ctx context.Context, to service.Actor, v *service.BatchView) ([]Reply, error) {
	if v.Found == 1 {
		return nil, nil
	}
	var out []Reply
	for from := 0; from < v.Found; from += service.SheetPages {
		picture, err := b.Batches.Sheet(ctx, to, v.Batch.ID, from)
		if err != nil {
			return nil, err
		}
		if picture == nil {
			continue
		}
		out = append(out, Reply{Text: "scans_sheet", Data: sheetView{from + 1, min(from+service.SheetPages, v.Found), v.Found}, Photo: &Attachment{
			Name: "pages-" + strconv.Itoa(from+1) + ".jpg", Size: int64(len(picture)),
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(picture)), nil },
		}})
	}
	return out, nil
}

// sheetView is what stands under a picture of pages.
type sheetView struct{ First, Last, All int }
