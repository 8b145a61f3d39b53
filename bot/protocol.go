package bot

import (
	"context"

	"flowbot/service"
)

// Buttons of protocols. The ID is the exam's, Version its revision, unless said
// otherwise.
const (
	pressProtocol        Action = "epc" // «Протокол»
	pressProtocolUpload  Action = "epu"
	pressProtocolReplace Action = "epr"
	pressProtocolTake    Action = "ept"
	pressProtocolRelease Action = "epl"
	pressProtocolApprove Action = "epa" // «Одобрить протокол»
	pressProtocolReject  Action = "epj" // «Отклонить протокол»
	pressProtocolFile    Action = "epd" // Version is that of the protocol, 0 the newest
)

// pressOfProtocol names the button of each event of a protocol.
var pressOfProtocol = map[service.ProtocolEvent]Action{
	service.ProtocolUpload:  pressProtocolUpload,
	service.ProtocolReplace: pressProtocolReplace,
	service.ProtocolTake:    pressProtocolTake,
	service.ProtocolRelease: pressProtocolRelease,
	service.ProtocolApprove: pressProtocolApprove,
	service.ProtocolReject:  pressProtocolReject,
	service.ProtocolExpire:  "", // by the clock
}

func (b *Bot) protocolActions() []action {
	return []action{
		{pressProtocol, "protocol", b.protocolPressed},
		{pressProtocolUpload, "protocol_upload", b.protocolFilePressed(service.ProtocolUpload)},
		{pressProtocolReplace, "protocol_replace", b.protocolFilePressed(service.ProtocolReplace)},
		{pressProtocolTake, "protocol_take", b.moveProtocol(service.ProtocolTake)},
		{pressProtocolRelease, "protocol_release", b.moveProtocol(service.ProtocolRelease)},
		{pressProtocolApprove, "protocol_approve", b.moveProtocol(service.ProtocolApprove)},
		{pressProtocolReject, "protocol_reject", b.rejectProtocolPressed},
		{pressProtocolFile, "protocol_file", b.protocolDownloadPressed},
	}
}

// protocolTalks are the conversations of this subject.
func protocolTalks() []talk { return []talk{uploadProtocol, rejectProtocol} }

// protocolNotices are the notices of this subject. A decision that may not have
// arrived is not told twice.
func (b *Bot) protocolNotices() map[string]notice {
	out := map[string]notice{}
	for _, n := range []struct {
		event  service.ProtocolEvent
		status service.ProtocolStatus // as long as it stands, the notice is true
		repeat bool
	}{
		{service.ProtocolUpload, service.ProtocolToCheck, true},
		{service.ProtocolExpire, service.ProtocolToCheck, true},
		{service.ProtocolApprove, service.ProtocolApproved, false},
		{service.ProtocolReject, service.ProtocolRejected, false},
	} {
		kind := service.ProtocolNotice{Event: n.event}.NoticeKind()
		out[kind] = notice{each(b.renderProtocol(kind, n.status)), n.repeat}
	}
	return out
}

// renderProtocol tells somebody what has become of a protocol, unless it has
// moved on since.
func (b *Bot) renderProtocol(text string, status service.ProtocolStatus) func(context.Context, service.Actor, service.ProtocolNotice) (letter, error) {
	return func(ctx context.Context, to service.Actor, n service.ProtocolNotice) (letter, error) {
		v, err := b.Protocols.View(ctx, to, n.ExamID)
		if err != nil {
			return gone(err)
		}
		if v.Exam.ProtocolStatus != status || v.Exam.ProtocolVersion != n.Version {
			return letter{Skip: true}, nil
		}
		l := letter{Reply: protocolReply(&Turn{By: to}, v)}
		l.Text = text
		return l, nil
	}
}

// protocolExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) protocolExamRows(_ *Turn, v *service.ExamView) [][]Button {
	return [][]Button{row(Button{Press: Press{pressProtocol, v.Exam.ID, 0}})}
}

// protocolView is what the screen of a protocol shows.
type protocolView struct {
	*service.ProtocolView
	Zone string
}

// protocolCard shows a protocol with a button for each move open to this person.
func (b *Bot) protocolCard(ctx context.Context, t *Turn, examID int64) (Reply, error) {
	v, err := b.Protocols.View(ctx, t.By, examID)
	if err != nil {
		return Reply{}, err
	}
	return protocolReply(t, v), nil
}

// shownVersions is how many older versions of a protocol have a button.
const shownVersions = 6

func protocolReply(t *Turn, v *service.ProtocolView) Reply {
	r := Reply{Text: "protocol_card", Caption: true, Data: protocolView{v, t.By.Zone}}
	id := v.Exam.ID
	for _, ev := range v.Offers {
		if ev == service.ProtocolApprove && v.Exam.Unsettled > 0 { // what comes before it
			r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressResults, ID: id}, Args: v.Exam.Unsettled}))
		}
		r.Rows = append(r.Rows, row(Button{Press: Press{pressOfProtocol[ev], id, v.Exam.Revision}}))
	}
	if v.Newest() != nil {
		r.Rows = append(r.Rows, row(Button{Press: Press{pressProtocolFile, id, 0}}))
	}
	var older []Button
	for i := max(0, len(v.Versions)-1-shownVersions); i < len(v.Versions)-1; i++ {
		version := v.Versions[i].Version
		older = append(older, Button{Label: "protocol_version", Args: version, Press: Press{pressProtocolFile, id, version}})
	}
	for len(older) > 0 {
		const side = 3 // short labels beside each other
		n := min(side, len(older))
		r.Rows, older = append(r.Rows, older[:n]), older[n:]
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{pressExam, id, 0}, Args: v.Exam.Number}, Button{Press: Press{Do: pressMenu}}))
	return r
}

// chooseProtocol is chooseExam for deeds that exams in one of the lists of
// statuses await: the first list in which there is one.
func (b *Bot) chooseProtocol(ctx context.Context, t *Turn, do Action, lists ...[]service.ProtocolStatus) (Reply, error) {
	f := service.ExamFilter{HeldBefore: dayOf(b.now(), t.By).AddDays(1), Own: t.By.Has(service.RoleCenterStaff)}
	for _, f.Protocols = range lists {
		some, err := b.Exams.List(ctx, t.By, f, 0, 1)
		if err != nil {
			return Reply{}, err
		}
		if len(some) > 0 {
			break
		}
	}
	return b.chooseExam(ctx, t, f, do)
}

// The statuses in which there is something to do, by who does it.
var (
	protocolsOpen     = []service.ProtocolStatus{service.ProtocolMissing, service.ProtocolToCheck, service.ProtocolInCheck, service.ProtocolRejected}
	protocolsMissing  = []service.ProtocolStatus{service.ProtocolMissing}
	protocolsRejected = []service.ProtocolStatus{service.ProtocolRejected}
	protocolsToCheck  = []service.ProtocolStatus{service.ProtocolToCheck}
	protocolsInCheck  = []service.ProtocolStatus{service.ProtocolInCheck}
	protocolsAwaited  = []service.ProtocolStatus{service.ProtocolMissing, service.ProtocolRejected}
	protocolsThere    = []service.ProtocolStatus{service.ProtocolToCheck, service.ProtocolInCheck, service.ProtocolApproved, service.ProtocolRejected}
)

// scansAwaited are the statuses of exams whose certificates are scanned.
var scansAwaited = []service.CertificateStatus{service.CertificatesToLoad, service.CertificatesPartlyLoaded}

// protocolsFor are the exams that a deed is for when none is named.
var protocolsFor = map[service.ProtocolEvent][][]service.ProtocolStatus{
	service.ProtocolUpload:  {protocolsMissing},
	service.ProtocolReplace: {protocolsRejected, protocolsToCheck},
	service.ProtocolTake:    {protocolsToCheck},
	service.ProtocolRelease: {protocolsInCheck},
	service.ProtocolApprove: {protocolsInCheck, protocolsToCheck},
	service.ProtocolReject:  {protocolsInCheck, protocolsToCheck},
	service.ProtocolExpire:  {protocolsInCheck},
}

func (b *Bot) protocolPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseProtocol(ctx, t, pressProtocol, protocolsOpen)
	}
	return edited(b.protocolCard(ctx, t, t.Press.ID))
}

// protocolRefused says above the screen of a protocol what a person has to do
// first. What needs no more than a window over the button goes up.
func (b *Bot) protocolRefused(ctx context.Context, t *Turn, cause error) (Reply, error) {
	e := service.AsError(cause)
	_, moved := e.Data.(service.Moved)
	if e.Kind != service.Invalid && (e.Kind != service.Conflict || moved || !t.typed) {
		return Reply{}, cause
	}
	r, err := edited(b.protocolCard(ctx, t, t.Press.ID))
	r.Lead, r.LeadData = string(e.Reason), e.Data
	return r, err
}

// moveProtocol makes the moves that take one press.
func (b *Bot) moveProtocol(ev service.ProtocolEvent) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 {
			return b.chooseProtocol(ctx, t, pressOfProtocol[ev], protocolsFor[ev]...)
		}
		if _, err := b.Protocols.Move(ctx, t.By, t.Press.ID, t.Press.Version, ev); err != nil {
			return b.protocolRefused(ctx, t, err)
		}
		return edited(b.protocolCard(ctx, t, t.Press.ID))
	}
}

// protocolDownloadPressed sends the scan of a protocol.
func (b *Bot) protocolDownloadPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseProtocol(ctx, t, pressProtocolFile, protocolsThere)
	}
	version := t.Press.Version
	if t.typed { // that is the exam's revision
		version = 0
	}
	d, err := b.Protocols.Document(ctx, t.By, t.Press.ID, version)
	if err != nil {
		return Reply{}, err
	}
	doc := attach(d.Document)
	if doc.Name, err = b.text.Label("file_protocol", doc.Name); err != nil {
		return Reply{}, err
	}
	return Reply{Text: "protocol_sent", Data: d, Document: &doc, Rows: [][]Button{
		row(Button{Press: Press{pressProtocol, d.Exam.ID, 0}}, Button{Press: Press{Do: pressMenu}}),
	}}, nil
}

// protocolForm is what a version of a protocol is made of.
type protocolForm struct {
	fileForm
	ExamID   int64
	Exam     string // number
	Revision int    // of the exam
	Number   string
	Date     service.Day
	Before   *protocolBefore // the version that this one takes the place of, nil for none
	KeepScan bool
	Approved bool // the version before is approved, which ends
}

// protocolBefore is what can be kept of the version before.
type protocolBefore struct {
	Number string
	Date   service.Day
	Scan   string // name of the file
}

// keep is the ID of the button that keeps what the version before had.
const keep = 1

// protocolScan is the step that takes the scan of a protocol. The scan can be
// sent at the steps before it, too.
var protocolScan = fileStep[protocolForm]{
	Purpose: service.UploadProtocol,
	Subject: func(f *protocolForm) int64 { return f.ExamID },
	Form:    func(f *protocolForm) *fileForm { return &f.fileForm },
	Ask:     "protocol_ask_scan",
	Back:    true,
	Press: func(_ context.Context, _ *Bot, t *Turn, f *protocolForm, u *service.Upload) (Outcome, error) {
		if t.Press == nil || t.Press.Do != pressPick || f.Before == nil || u != nil && u.State != service.UploadRefused {
			return stay, unexpected(t)
		}
		f.KeepScan = true
		return next, nil
	},
}

// usedScan stands for a file that is there no more because this very press has
// used it, most likely.
const usedScan = -1

// takeProtocolScan takes the scan, and goes on without one when the press comes
// again: whether it was done already is seen by the exam's revision.
func takeProtocolScan(ctx context.Context, b *Bot, t *Turn, f *protocolForm) (Outcome, error) {
	if t.Again && t.Press != nil && t.Press.Do == pressDone {
		u, err := protocolScan.current(ctx, b, t, f)
		if err == nil && u == nil {
			f.UploadID = usedScan
			return next, nil
		}
	}
	return protocolScan.take(ctx, b, t, f)
}

// uploadProtocol asks for the number, the date and the scan of a protocol.
var uploadProtocol = Wizard[protocolForm]{
	Name: "protocol_upload",
	Steps: []Step[protocolForm]{
		{
			Name: "number", Files: true,
			Ask: askOfProtocol("protocol_ask_number", false, func(p *protocolBefore) string { return p.Number }),
			Take: takeOfProtocol(func(_ context.Context, _ *Bot, t *Turn, f *protocolForm) (err error) {
				f.Number, err = service.CheckProtocolNumber(t.Text)
				return err
			}, func(f *protocolForm) { f.Number = f.Before.Number }),
		},
		{
			Name: "date", Files: true,
			Ask: askOfProtocol("protocol_ask_date", true, func(p *protocolBefore) string { return p.Date.Russian() }),
			Take: takeOfProtocol(func(ctx context.Context, b *Bot, t *Turn, f *protocolForm) error {
				v, err := b.Protocols.View(ctx, t.By, f.ExamID)
				if err != nil {
					return err
				}
				f.Date, err = v.CheckDate(t.Text)
				return err
			}, func(f *protocolForm) { f.Date = f.Before.Date }),
		},
		{
			Name: "scan", Files: true, Take: takeProtocolScan,
			Ask: func(ctx context.Context, b *Bot, t *Turn, f *protocolForm) (Reply, error) {
				r, err := protocolScan.ask(ctx, b, t, f)
				v, ok := r.Data.(*fileView[protocolForm])
				if ok && f.Before != nil && (v.File == nil || v.File.State == service.UploadRefused) {
					r.Rows = append([][]Button{row(Button{Label: "protocol_keep_scan", Press: t.inTalk(pressPick, keep)})}, r.Rows...)
				}
				return r, err
			},
		},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *protocolForm) (Reply, error) {
		in := service.ProtocolInput{ExamID: f.ExamID, Revision: f.Revision, Number: f.Number, DatedOn: f.Date, UploadID: f.UploadID}
		if f.KeepScan {
			in.UploadID = 0
		}
		_, err := b.Protocols.Upload(ctx, t.By, in)
		if in.UploadID == usedScan && service.AsError(err).Kind == service.NotFound {
			err = &service.Error{Kind: service.Invalid, Reason: service.ReasonUploadMissing}
		}
		if err != nil {
			return Reply{}, err
		}
		r, err := edited(b.protocolCard(ctx, t, f.ExamID))
		r.Lead, r.LeadData = "protocol_uploaded", f.Before != nil
		return r, err
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *protocolForm) (Reply, error) {
		lies, err := protocolScan.lies(ctx, b, t, f)
		if err != nil {
			return Reply{}, err
		}
		r, err := b.protocolCard(ctx, t, f.ExamID)
		r.LeadData = lies
		return r, err
	},
}

// askOfProtocol asks for something that is written, and offers what the version
// before had; back draws «Назад».
func askOfProtocol(text string, back bool, had func(*protocolBefore) string) func(context.Context, *Bot, *Turn, *protocolForm) (Reply, error) {
	return func(ctx context.Context, b *Bot, t *Turn, f *protocolForm) (Reply, error) {
		u, err := protocolScan.current(ctx, b, t, f)
		if err != nil {
			return Reply{}, err
		}
		v := &fileView[protocolForm]{Form: f, File: u}
		if u != nil {
			v.Words = u.Words
		}
		r := Reply{Text: text, Data: v, Card: true, Lead: string(f.Refused)}
		if f.Before != nil {
			r.Rows = append(r.Rows, row(Button{Label: "protocol_keep", Args: had(f.Before), Press: t.inTalk(pressPick, keep)}))
		}
		last := row(Button{Press: t.inTalk(pressCancel, 0)})
		if back {
			last = row(Button{Press: t.inTalk(pressBack, 0)}, last[0])
		}
		r.Rows = append(r.Rows, last)
		return r, nil
	}
}

// takeOfProtocol reads something that is written, keeps what was, or takes a scan
// that was sent early.
func takeOfProtocol(
	read func(context.Context, *Bot, *Turn, *protocolForm) error, kept func(*protocolForm),
) func(context.Context, *Bot, *Turn, *protocolForm) (Outcome, error) {
	return func(ctx context.Context, b *Bot, t *Turn, f *protocolForm) (Outcome, error) {
		if t.File != nil {
			return protocolScan.takeFile(ctx, b, t, f)
		}
		if _, err := protocolScan.goOn(ctx, b, t, f); err != nil {
			return stay, err
		}
		switch {
		case t.Press != nil && t.Press.Do == pressPick && f.Before != nil:
			kept(f)
			return next, nil
		case t.Press != nil || t.Text == "" || t.Command != "":
			return stay, unexpected(t)
		}
		return next, read(ctx, b, t, f)
	}
}

// protocolFilePressed opens the conversation about a version of a protocol.
func (b *Bot) protocolFilePressed(ev service.ProtocolEvent) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 {
			return b.chooseProtocol(ctx, t, pressOfProtocol[ev], protocolsFor[ev]...)
		}
		v, err := b.Protocols.Offered(ctx, t.By, t.Press.ID, t.Press.Version, ev)
		if err != nil {
			return b.protocolRefused(ctx, t, err)
		}
		return edited(b.beginProtocol(ctx, t, v))
	}
}

// beginProtocol opens the conversation about the next version of a protocol.
func (b *Bot) beginProtocol(ctx context.Context, t *Turn, v *service.ProtocolView) (Reply, error) {
	f := protocolForm{
		ExamID: v.Exam.ID, Exam: v.Exam.Number, Revision: v.Exam.Revision, Approved: v.Exam.ProtocolStatus == service.ProtocolApproved,
	}
	f.LastIn = t.Message
	if p := v.Newest(); p != nil {
		f.Before = &protocolBefore{Number: p.Number, Date: p.DatedOn, Scan: p.FileName}
	}
	return b.begin(ctx, t, uploadProtocol, f)
}

// protocolReasons are the reasons for rejection that need no typing, as buttons
// number them from 1.
var protocolReasons = []string{"reason_signature", "reason_unreadable", "reason_exam", "reason_number_date"}

// protocolReasonForm is what must be known before a protocol is rejected.
type protocolReasonForm struct {
	ExamID   int64
	Exam     string // number
	Revision int
	Comment  string
}

// rejectProtocol asks what to replace, then sends the protocol back.
var rejectProtocol = Wizard[protocolReasonForm]{
	Name: "protocol_reject", Brief: true,
	Steps: []Step[protocolReasonForm]{{
		Name: "reason",
		Ask: func(_ context.Context, _ *Bot, t *Turn, f *protocolReasonForm) (Reply, error) {
			r := Reply{Text: "protocol_reject_ask", Data: f}
			for i, reason := range protocolReasons {
				r.Rows = append(r.Rows, row(Button{Label: reason, Press: t.inTalk(pressPick, int64(i+1))}))
			}
			r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressCancel, 0)}))
			return r, nil
		},
		Take: func(_ context.Context, b *Bot, t *Turn, f *protocolReasonForm) (_ Outcome, err error) {
			if t.Press != nil && t.Press.Do == pressPick && t.Press.ID >= 1 && t.Press.ID <= int64(len(protocolReasons)) {
				f.Comment, err = b.text.Label(protocolReasons[t.Press.ID-1], nil)
				return next, err
			}
			f.Comment, err = commentOf(t)
			return next, err
		},
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *protocolReasonForm) (Reply, error) {
		if _, err := b.Protocols.Reject(ctx, t.By, f.ExamID, f.Revision, f.Comment); err != nil {
			return Reply{}, err
		}
		return edited(b.protocolCard(ctx, t, f.ExamID))
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *protocolReasonForm) (Reply, error) {
		return b.protocolCard(ctx, t, f.ExamID)
	},
}

func (b *Bot) rejectProtocolPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseProtocol(ctx, t, pressProtocolReject, protocolsFor[service.ProtocolReject]...)
	}
	v, err := b.Protocols.Offered(ctx, t.By, t.Press.ID, t.Press.Version, service.ProtocolReject)
	if err != nil {
		return b.protocolRefused(ctx, t, err)
	}
	return b.begin(ctx, t, rejectProtocol, protocolReasonForm{ExamID: v.Exam.ID, Exam: v.Exam.Number, Revision: v.Exam.Revision})
}
