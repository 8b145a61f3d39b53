package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"flowbot/bot/chat"
	"flowbot/service"
)

// Buttons under files that came out of the blue from the staff of a center. They
// belong to the conversation that keeps the files.
const (
	pressLooseScans    Action = "sbs" // «Это сканы сертификатов»; ID is the center's, 0 for the only one
	pressLooseOne      Action = "sbo" // a certificate of one application: asks whose
	pressLooseWhose    Action = "sbw" // it is this one's; ID is the application's
	pressLooseProtocol Action = "sbp" // ID is the exam's
	pressOldLoose      Action = "sba" // an archive named by applications, under old cards: scans like any others
)

func (b *Bot) looseActions() []action {
	return []action{
		{pressLooseScans, "loose_scans", b.looseScansPressed},
		{pressLooseOne, "loose_one", b.resume},
		{pressLooseWhose, "loose_whose", b.looseWhosePressed},
		{pressLooseProtocol, "loose_protocol", b.looseProtocolPressed},
		{pressOldLoose, "loose_archive", b.oldLoosePressed},
	}
}

// looseSent is a file that came out of the blue, as the messenger tells of it: it
// lies there until it is known what it is for.
type looseSent struct {
	UpdateID int64
	chat.File
}

// sends makes the turn in which a kept file came.
func (f *looseSent) sends(t *Turn) *Turn {
	out := *t
	out.UpdateID, out.Press, out.File = f.UpdateID, nil, &f.File
	return &out
}

// sortScansForm is what must be known of files that came out of the blue.
type sortScansForm struct {
	Files         []looseSent
	Over          *overLimit // the newest file, when the chat cannot fetch it
	ApplicationID int64      // whose certificate it is, as somebody has typed; 0 before
}

// single is the only file, nil when there are several.
func (f *sortScansForm) single() *looseSent {
	if len(f.Files) != 1 || f.Files[0].Album != "" {
		return nil
	}
	return &f.Files[0]
}

// Shown are the files that the question names: each by itself, but an album, whose
// end is not announced, as one.
func (f *sortScansForm) Shown() []looseSent {
	var out []looseSent
	for _, file := range f.Files {
		if n := len(out); n == 0 || file.Album == "" || out[n-1].Album != file.Album {
			out = append(out, file)
		}
	}
	return out
}

// sortScans asks what files are that came out of the blue, and takes more of them
// meanwhile. Nothing has to be sent again.
var sortScans = Wizard[sortScansForm]{
	Name: "scan_sort",
	Steps: []Step[sortScansForm]{
		{Name: "what", Ask: askLoose, Take: takeLoose},
		{Name: "whose", Ask: askLooseWhose, Take: takeLooseWhose},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, _ *sortScansForm) (Reply, error) { return b.menu(ctx, t) }, // never: a button opens what follows
	Left: func(ctx context.Context, b *Bot, t *Turn, _ *sortScansForm) (Reply, error) {
		r, err := b.menu(ctx, t)
		r.Lead, r.Text, r.Data = "loose_left", "cancelled", false
		return r, err
	},
}

// loosePurposes are what a file from the staff of a center can be for.
type loosePurposes struct {
	scans     bool               // certificates are scanned by the batch
	unloaded  []service.ExamItem // in which a certificate waits for its scan
	protocols []service.ExamItem // whose protocol is awaited
}

func (p *loosePurposes) none() bool { return !p.scans && len(p.unloaded)+len(p.protocols) == 0 }

// loosePurposes finds what files can be for: one file, or several.
func (b *Bot) loosePurposes(ctx context.Context, t *Turn, single *looseSent) (*loosePurposes, error) {
	p := &loosePurposes{}
	some, err := b.Exams.List(ctx, t.By, service.ExamFilter{Certificates: scansAwaited, Own: true}, 0, 1)
	if err != nil {
		return nil, err
	}
	p.scans = len(some) > 0
	if single == nil {
		return p, nil
	}
	if service.IsArchive(single.Name) { // neither one certificate nor a protocol
		return p, nil
	}
	of := unloaded
	of.Own = true
	if p.unloaded, err = b.Exams.List(ctx, t.By, of, 0, pageSize); err != nil {
		return p, err
	}
	p.protocols, err = b.Exams.List(ctx, t.By, service.ExamFilter{Protocols: protocolsAwaited, HeldBefore: dayOf(b.now(), t.By).AddDays(1), Own: true}, 0, pageSize)
	return p, err
}

// looseScan takes a file that came out of the blue from the staff of a center: it
// joins what the person is sending; it is the protocol of the one exam that waits
// for nothing else; or it is asked about.
func (b *Bot) looseScan(ctx context.Context, t *Turn) (Reply, error) {
	if err := b.Batches.Fits(t.File.Size); err != nil {
		return b.looseOver(ctx, t, err)
	}
	going, err := b.Batches.Sending(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	if going != nil {
		in := scansOf(t, going.ExamID)
		in.CenterID = going.CenterID
		_, err := b.Batches.Receive(ctx, t.By, in)
		return Reply{}, err // its card tells of it
	}
	f := &sortScansForm{Files: []looseSent{{t.UpdateID, *t.File}}}
	p, err := b.loosePurposes(ctx, t, f.single())
	switch {
	case err != nil:
		return Reply{}, err
	case p.none():
		return Reply{Text: "loose_unneeded", Rows: [][]Button{row(Button{Press: Press{Do: pressMenu}})}}, nil
	case len(p.unloaded) == 0 && !p.scans && len(p.protocols) == 1:
		return b.looseProtocol(ctx, t, &f.Files[0], p.protocols[0].ID)
	}
	return b.begin(ctx, t, sortScans, f)
}

// looseOver says what to do with a file that the chat cannot fetch.
func (b *Bot) looseOver(ctx context.Context, t *Turn, cause error) (Reply, error) {
	over := overLimitOf(t.File.Name, cause)
	if over == nil {
		return Reply{}, cause
	}
	list, err := b.Exams.List(ctx, t.By, service.ExamFilter{Certificates: scansAwaited, Own: true}, 0, pageSize)
	if err != nil {
		return Reply{}, err
	}
	v := overLimitView{overLimit: over, Admin: t.By.Has(service.RoleAdmin)}
	r := Reply{Text: "scans_over_limit"}
	for _, e := range list {
		page := b.uploadPageRow(t, e.ID)
		if page == nil {
			break
		}
		v.Page = true
		if len(list) > 1 {
			v.Several, page = true, row(Button{Label: "exam_item", Args: e, Press: Press{Do: pressScans, ID: e.ID}})
		}
		r.Rows = append(r.Rows, page)
	}
	r.Data, r.Rows = v, append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

func askLoose(ctx context.Context, b *Bot, t *Turn, f *sortScansForm) (Reply, error) {
	p, err := b.loosePurposes(ctx, t, f.single())
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "loose_what", Data: f, Card: true}
	if f.Over != nil {
		r.Lead, r.LeadData = "scans_over_limit", overLimitView{overLimit: f.Over, Admin: t.By.Has(service.RoleAdmin)}
	}
	if p.scans {
		r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressLooseScans, 0)}))
	}
	for _, e := range p.protocols {
		r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressLooseProtocol, e.ID), Args: e.Number}))
	}
	if len(p.unloaded) > 0 {
		r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressLooseOne, 0)}))
	}
	r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressCancel, 0)}))
	return r, nil
}

func takeLoose(_ context.Context, b *Bot, t *Turn, f *sortScansForm) (Outcome, error) {
	f.Over = nil
	switch {
	case t.File != nil:
		if err := b.Batches.Fits(t.File.Size); err != nil {
			f.Over = overLimitOf(t.File.Name, err)
			return stay, nil
		}
		if slices.ContainsFunc(f.Files, func(have looseSent) bool { return have.UpdateID == t.UpdateID }) {
			return stay, nil
		}
		last := f.Files[len(f.Files)-1]
		f.Files = append(f.Files, looseSent{t.UpdateID, *t.File})
		if t.File.Album != "" && t.File.Album == last.Album {
			return held, nil // the card that stands already asks about the album
		}
		return stay, nil
	case t.Press != nil && t.Press.Do == pressLooseOne && f.single() != nil:
		return next, nil
	}
	return stay, unexpected(t)
}

// looseWhoseView is what is asked of a certificate that came out of the blue.
type looseWhoseView struct {
	File        string // name
	Application *service.Application
	Few         bool // the buttons are all that wait
}

// askLooseWhose asks whose certificate a file is: those of the only exam that
// waits are buttons, any other's number is typed.
func askLooseWhose(ctx context.Context, b *Bot, t *Turn, f *sortScansForm) (Reply, error) {
	v := looseWhoseView{File: f.Files[0].Name}
	r := Reply{Text: "loose_whose", Card: true}
	last := row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)})
	if f.ApplicationID != 0 {
		a, err := b.Exams.Application(ctx, t.By, f.ApplicationID)
		if err != nil {
			return Reply{}, err
		}
		v.Application = &a.Application
		r.Data, r.Rows = v, [][]Button{row(Button{Press: t.inTalk(pressLooseWhose, f.ApplicationID), Args: v.Application.Number}), last}
		return r, nil
	}
	of := unloaded
	of.Own = true
	exams, err := b.Exams.List(ctx, t.By, of, 0, 2)
	if err != nil {
		return Reply{}, err
	}
	if len(exams) == 1 {
		list, err := b.Exams.Applications(ctx, t.By, exams[0].ID, service.ApplicationFilter{Status: service.ApplicationAwaitingCertificate}, 0, pageSize)
		if err != nil {
			return Reply{}, err
		}
		for i := range list.Items {
			a := &list.Items[i]
			r.Rows = append(r.Rows, row(Button{Label: "application_item", Args: a, Press: t.inTalk(pressLooseWhose, a.ID)}))
		}
		v.Few = !list.More
	}
	r.Data, r.Rows = v, append(r.Rows, last)
	return r, nil
}

func takeLooseWhose(ctx context.Context, b *Bot, t *Turn, f *sortScansForm) (Outcome, error) {
	if !wrote(t) {
		return stay, unexpected(t)
	}
	f.ApplicationID = 0
	a, err := b.Exams.ApplicationByNumber(ctx, t.By, examNumber(t.Text))
	if err != nil && service.AsError(err).Kind == service.NotFound {
		return stay, &service.Error{Kind: service.Invalid, Reason: ReasonApplicationUnknown}
	}
	if err != nil {
		return stay, err
	}
	f.ApplicationID = a.ID
	return stay, nil
}

// ReasonApplicationUnknown means that no application that the person sees has the
// number.
const ReasonApplicationUnknown service.Reason = "application.unknown"

// looseKept returns the files that the open conversation keeps, for a press of one
// of its buttons. They are nil when the press has come before, and is done.
func (b *Bot) looseKept(ctx context.Context, t *Turn) (*sortScansForm, error) {
	d, err := b.drafts.Get(ctx, t.By)
	if err != nil {
		return nil, err
	}
	if t.Again && (d == nil || d.Kind != sortScans.Name) {
		return nil, nil //nolint:nilnil // done before
	}
	over := &service.Error{Kind: service.Conflict, Reason: ReasonTalkOver}
	if d == nil || d.Kind != sortScans.Name {
		return nil, over
	}
	var s stored
	f := &sortScansForm{}
	if err := json.Unmarshal(d.Form, &s); err != nil {
		return nil, fmt.Errorf("draft %s: %w", d.Kind, err)
	}
	if err := json.Unmarshal(s.Form, f); err != nil {
		return nil, fmt.Errorf("draft %s: %w", d.Kind, err)
	}
	if !t.typed && t.Press.Version != s.Serial {
		return nil, over
	}
	t.serial = s.Serial
	return f, nil
}

// looseScansPressed sends the kept files as a batch whose exam its pages tell.
func (b *Bot) looseScansPressed(ctx context.Context, t *Turn) (Reply, error) {
	f, err := b.looseKept(ctx, t)
	if err != nil || f == nil {
		return Reply{}, err
	}
	if t.Press.ID == 0 && len(t.By.Orgs(service.RoleCenterStaff)) > 1 {
		centers, err := b.Centers.Mine(ctx, t.By)
		if err != nil {
			return Reply{}, err
		}
		r := Reply{Text: "loose_center", Edit: true}
		for _, o := range centers[:min(len(centers), choosable)] {
			r.Rows = append(r.Rows, row(Button{Label: "center_item", Args: o.Name, Press: t.inTalk(pressLooseScans, o.ID)}))
		}
		r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressCancel, 0)}))
		return r, nil
	}
	for i := range f.Files {
		in := scansOf(f.Files[i].sends(t), 0)
		in.CenterID = t.Press.ID
		if _, err := b.Batches.Receive(ctx, t.By, in); err != nil {
			return Reply{}, err
		}
	}
	if err := b.leaveTalk(ctx, t); err != nil {
		return Reply{}, err
	}
	return Reply{Text: "loose_taken", Data: len(f.Files), Edit: true}, nil
}

// looseProtocolPressed sends the kept file as the protocol of an exam.
func (b *Bot) looseProtocolPressed(ctx context.Context, t *Turn) (Reply, error) {
	f, err := b.looseKept(ctx, t)
	if err != nil || f == nil {
		return Reply{}, err
	}
	file := f.single()
	if file == nil {
		return b.looseAsk(ctx, t, f)
	}
	if t.Press.ID == 0 { // typed
		list, err := b.Exams.List(ctx, t.By, service.ExamFilter{Protocols: protocolsAwaited, Number: examNumber(t.Suffix), Own: true}, 0, 2)
		if err != nil {
			return Reply{}, err
		}
		if len(list) != 1 {
			return b.looseAsk(ctx, t, f)
		}
		t.Press.ID = list[0].ID
	}
	return b.looseProtocol(ctx, t, file, t.Press.ID)
}

// looseAsk asks again what the kept files are.
func (b *Bot) looseAsk(ctx context.Context, t *Turn, f *sortScansForm) (Reply, error) {
	return edited(askLoose(ctx, b, t, f))
}

// looseProtocol begins the conversation about an exam's protocol with a file that
// has come already.
func (b *Bot) looseProtocol(ctx context.Context, t *Turn, file *looseSent, examID int64) (Reply, error) {
	v, err := b.Protocols.View(ctx, t.By, examID)
	if err != nil {
		return Reply{}, err
	}
	sent := file.sends(t)
	if _, err := b.beginProtocol(ctx, sent, v); err != nil {
		return Reply{}, err
	}
	return b.looseInto(ctx, t, sent)
}

// looseInto gives a kept file to the conversation that has just been opened.
func (b *Bot) looseInto(ctx context.Context, t, sent *Turn) (Reply, error) {
	r, err := b.resumeNow(ctx, sent)
	if err == nil && r.Text == "" && t.Press != nil { // the conversation's card follows
		return Reply{Text: "loose_taken", Data: 1, Edit: true}, nil
	}
	return r, err
}

// oldLoosePressed sends the kept archive as looseScansPressed does. What the old
// button named was an exam: the pages tell it.
func (b *Bot) oldLoosePressed(ctx context.Context, t *Turn) (Reply, error) {
	t.Press.ID = 0
	return b.looseScansPressed(ctx, t)
}

// looseWhosePressed loads the kept file for one application: what else must be
// known of the certificate is asked.
func (b *Bot) looseWhosePressed(ctx context.Context, t *Turn) (Reply, error) {
	f, err := b.looseKept(ctx, t)
	if err != nil || f == nil {
		return Reply{}, err
	}
	file := f.single()
	if file == nil {
		return b.looseAsk(ctx, t, f)
	}
	v, err := b.namedApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	if err := b.Scans.CheckLoad(ctx, t.By, v.Application.ID, false); err != nil {
		return Reply{}, err
	}
	_, err = b.Uploads.Receive(ctx, t.By, service.UploadInput{
		Purpose: service.UploadScan, SubjectID: v.Application.ID, UpdateID: file.UpdateID, ChatRef: file.Ref, Name: file.Name, Size: file.Size,
	})
	if err != nil {
		return Reply{}, err
	}
	return b.beginLoad(ctx, t, v, false)
}
