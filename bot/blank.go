package bot

import (
	"context"

	"flowbot/service"
)

// Buttons of blanks. The ID is the center's, unless said otherwise.
const (
	pressBlanks      Action = "blk" // the card
	pressReceive     Action = "blr"
	pressSpoilNumber Action = "bls" // «Испорчен», by number
	pressSpoilOf     Action = "blp" // «Бланк испорчен», of an application; Version is its revision
	pressRanges      Action = "bll" // Version is a page
	pressBlankList   Action = "blu" // Version is a page
	pressRange       Action = "blg" // ID is the range's
	pressRangeRemove Action = "blx" // ID is the range's
	pressNameBlank   Action = "bln" // ID is the application's, Version its revision
	pressNameBlanks  Action = "blm" // one after the other
	pressUnspoil     Action = "blv" // «Вернуть испорченный», by number
	pressUnspoilOf   Action = "blw" // «Бланк не испорчен», of an application; Version is its revision
)

func (b *Bot) blankActions() []action {
	return []action{
		{pressBlanks, "blanks", b.blanksPressed},
		{pressReceive, "blank_receive", b.receivePressed},
		{pressSpoilNumber, "blank_spoil", b.spoilNumberPressed},
		{pressSpoilOf, "blank_spoil_of", b.spoilOfPressed},
		{pressRanges, "blank_ranges", b.rangesPressed},
		{pressBlankList, "blank_list", b.blankListPressed},
		{pressRange, "blank_range", b.rangePressed},
		{pressRangeRemove, "blank_range_remove", b.rangeRemovePressed},
		{pressNameBlank, "blank_name", b.nameBlankPressed},
		{pressNameBlanks, "blank_name_all", b.nameBlanksPressed},
		{pressUnspoil, "blank_unspoil", b.unspoilPressed},
		{pressUnspoilOf, "blank_unspoil_of", b.unspoilOfPressed},
	}
}

// blankTalks are the conversations about blanks.
func blankTalks() []talk { return []talk{receiveBlanks, spoilNumber, spoilOf, unspoil, nameBlank} }

// blankExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) blankExamRows(_ *Turn, v *service.ExamView) [][]Button {
	if !v.Staff || v.Exam.Unnamed == 0 {
		return nil
	}
	return [][]Button{row(Button{Press: Press{Do: pressNameBlanks, ID: v.Exam.CenterID}})}
}

// blankApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) blankApplicationRows(_ *Turn, v *service.ApplicationView) [][]Button {
	a := &v.Application
	switch {
	case !v.Staff || a.ScanID == 0:
	case a.BlankNumber == "":
		return [][]Button{row(Button{Press: Press{pressNameBlank, a.ID, a.Revision}})}
	case a.BlankState == service.BlankUsed:
		return [][]Button{row(Button{Press: Press{pressSpoilOf, a.ID, a.Revision}})}
	case a.BlankState == service.BlankSpoiled:
		return [][]Button{row(Button{Press: Press{pressUnspoilOf, a.ID, a.Revision}})}
	}
	return nil
}

// blanksCard shows how a center stands with its blanks.
func (b *Bot) blanksCard(ctx context.Context, t *Turn, centerID int64) (Reply, error) {
	v, err := b.Blanks.View(ctx, t.By, centerID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "blanks", Data: v}
	if n := v.Counts.Unnamed; n > 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressNameBlanks, ID: centerID}, Args: n}))
	}
	r.Rows = append(r.Rows,
		row(Button{Press: Press{Do: pressReceive, ID: centerID}}, Button{Press: Press{Do: pressSpoilNumber, ID: centerID}}))
	if v.Counts.Spoiled > 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressUnspoil, ID: centerID}}))
	}
	r.Rows = append(r.Rows,
		row(Button{Press: Press{Do: pressRanges, ID: centerID}}),
		row(Button{Press: Press{Do: pressBlankList, ID: centerID}}),
		row(Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

func (b *Bot) blanksPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressBlanks)
	}
	return edited(b.blanksCard(ctx, t, t.Press.ID))
}

// blanksFoot leads back from what belongs to a center's blanks.
func blanksFoot(centerID int64) []Button {
	return row(Button{Press: Press{Do: pressBlanks, ID: centerID}}, Button{Press: Press{Do: pressMenu}})
}

// blankPage is a page of something of a center's blanks.
type blankPage struct {
	Ranges []service.BlankRange
	Blanks []service.Blank
	Page   int
	Zone   string
}

// rangesPressed shows a page of the ranges that a center has received.
func (b *Bot) rangesPressed(ctx context.Context, t *Turn) (Reply, error) {
	id, page := t.Press.ID, pageOf(int64(t.Press.Version))
	if id == 0 {
		return b.chooseCenter(ctx, t, pressRanges)
	}
	list, err := b.Blanks.Ranges(ctx, t.By, id, page*pageSize, pageSize+1)
	if err != nil {
		return Reply{}, err
	}
	shown := list[:min(len(list), pageSize)]
	r := Reply{Text: "blank_ranges", Data: blankPage{Ranges: shown, Page: page}, Edit: true}
	for _, one := range shown {
		r.Rows = append(r.Rows, row(Button{Label: "blank_range_item", Args: one, Press: Press{pressRange, one.ID, 0}}))
	}
	r.Rows = append(r.Rows, turnPages(page, len(list) > pageSize, func(p int) Press { return Press{pressRanges, id, p} })...)
	r.Rows = append(r.Rows, blanksFoot(id))
	return r, nil
}

// blankListPressed shows a page of the used and spoiled blanks of a center.
func (b *Bot) blankListPressed(ctx context.Context, t *Turn) (Reply, error) {
	id, page := t.Press.ID, pageOf(int64(t.Press.Version))
	if id == 0 {
		return b.chooseCenter(ctx, t, pressBlankList)
	}
	const lines = 20 // of a page: no buttons come with them
	list, err := b.Blanks.List(ctx, t.By, id, page*lines, lines+1)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "blank_list", Data: blankPage{Blanks: list[:min(len(list), lines)], Page: page, Zone: t.By.Zone}, Edit: true}
	r.Rows = append(r.Rows, turnPages(page, len(list) > lines, func(p int) Press { return Press{pressBlankList, id, p} })...)
	r.Rows = append(r.Rows, blanksFoot(id))
	return r, nil
}

// rangePressed shows a range; one of which nothing is used can be removed.
func (b *Bot) rangePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressRanges)
	}
	one, err := b.Blanks.Range(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "blank_range", Data: one, Edit: true}
	if one.Used+one.Spoiled == 0 {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressRangeRemove, ID: one.ID}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressRanges, ID: one.CenterID}}), blanksFoot(one.CenterID))
	return r, nil
}

func (b *Bot) rangeRemovePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressRanges)
	}
	one, err := b.Blanks.RemoveRange(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	r, err := edited(b.blanksCard(ctx, t, one.CenterID))
	r.Lead, r.LeadData = "blank_range_removed", one
	return r, err
}

// receiveForm is what must be known before a range is recorded.
type receiveForm struct {
	CenterID   int64
	Range      service.BlankRange
	ReceivedOn service.Day
}

// receiveBlanks records a range that a center has received.
var receiveBlanks = Wizard[receiveForm]{
	Name: "blank_receive",
	Steps: []Step[receiveForm]{
		{
			Name: "range",
			Ask: func(_ context.Context, _ *Bot, t *Turn, f *receiveForm) (Reply, error) {
				return Reply{Text: "blank_receive_ask", Data: f, Card: true, Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})}}, nil
			},
			Take: func(ctx context.Context, b *Bot, t *Turn, f *receiveForm) (Outcome, error) {
				if !wrote(t) {
					return stay, unexpected(t)
				}
				r, err := service.ReadBlankRange(t.Text)
				if err != nil {
					return stay, err
				}
				f.Range, err = b.Blanks.CheckRange(ctx, t.By, f.CenterID, r)
				return next, err
			},
		},
		{
			Name: "received",
			Ask: func(_ context.Context, _ *Bot, t *Turn, f *receiveForm) (Reply, error) {
				return Reply{Text: "blank_received_ask", Data: f, Card: true, Rows: [][]Button{
					row(Button{Press: t.inTalk(pressToday, 0)}),
					row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}),
				}}, nil
			},
			Take: func(ctx context.Context, b *Bot, t *Turn, f *receiveForm) (Outcome, error) {
				v, err := b.Blanks.View(ctx, t.By, f.CenterID)
				if err != nil {
					return stay, err
				}
				if f.ReceivedOn, err = typedDay(t, v.Today); err != nil {
					return stay, err
				}
				if f.ReceivedOn.After(v.Today) {
					return stay, &service.Error{Kind: service.Invalid, Reason: service.ReasonBlankDayLate}
				}
				return next, nil
			},
		},
		{
			Name: "check",
			Ask: func(_ context.Context, _ *Bot, t *Turn, f *receiveForm) (Reply, error) {
				return Reply{Text: "blank_receive_check", Data: f, Card: true, Rows: [][]Button{
					row(Button{Label: "blank_receive_now", Args: f.Range.Count, Press: t.inTalk(pressDone, sure)}),
					row(Button{Press: t.inTalk(pressBack, 0)}, Button{Press: t.inTalk(pressCancel, 0)}),
				}}, nil
			},
			Take: takeDone[receiveForm],
		},
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *receiveForm) (Reply, error) {
		made, err := b.Blanks.Receive(ctx, t.By, service.ReceiveBlanks{CenterID: f.CenterID, Range: f.Range, ReceivedOn: f.ReceivedOn})
		if err != nil {
			return Reply{}, err
		}
		r, err := edited(b.blanksCard(ctx, t, f.CenterID))
		r.Lead, r.LeadData = "blank_range_added", made
		return r, err
	},
}

// wrote reports whether the answer is words, and nothing else.
func wrote(t *Turn) bool { return t.Press == nil && t.File == nil && t.Other == "" && t.Text != "" }

// typedDay reads a day that somebody wrote, or «Сегодня».
func typedDay(t *Turn, today service.Day) (service.Day, error) {
	if t.Press != nil && t.Press.Do == pressToday {
		return today, nil
	}
	if !wrote(t) {
		return service.Day{}, unexpected(t)
	}
	day, err := service.ParseDay(t.Text)
	if err != nil {
		return service.Day{}, &service.Error{Kind: service.Invalid, Reason: service.ReasonScanDay, Err: err}
	}
	return day, nil
}

func (b *Bot) receivePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressReceive)
	}
	if _, err := b.Blanks.View(ctx, t.By, t.Press.ID); err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, receiveBlanks, receiveForm{CenterID: t.Press.ID}))
}

// spoilReasons are the reasons that need no typing, as buttons number them from 1.
var spoilReasons = []string{"spoil_misprint", "spoil_jam", "spoil_damaged", "spoil_typo"}

// spoilForm is what must be known before a blank is marked as spoiled: its number
// or the application whose certificate it bears.
type spoilForm struct {
	CenterID      int64
	ApplicationID int64
	Revision      int // of the application
	Blank         service.BlankKey
	Known         service.NamedBlank
	Reason        string
}

// spoilReason asks why a blank is spoiled.
var spoilReason = Step[spoilForm]{
	Name: "reason",
	Ask: func(_ context.Context, _ *Bot, t *Turn, f *spoilForm) (Reply, error) {
		r := Reply{Text: "blank_spoil_ask", Data: f}
		for i, reason := range spoilReasons {
			r.Rows = append(r.Rows, row(Button{Label: reason, Press: t.inTalk(pressPick, int64(i+1))}))
		}
		r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressCancel, 0)}))
		return r, nil
	},
	Take: func(_ context.Context, b *Bot, t *Turn, f *spoilForm) (Outcome, error) {
		if t.Press != nil && t.Press.Do == pressPick && t.Press.ID >= 1 && t.Press.ID <= int64(len(spoilReasons)) {
			var err error
			f.Reason, err = b.text.Label(spoilReasons[t.Press.ID-1], nil)
			return next, err
		}
		if t.Press != nil || t.File != nil || t.Other != "" {
			return stay, unexpected(t)
		}
		f.Reason = t.Text
		return next, service.CheckComment(t.Text)
	},
}

// spoilNumber marks a blank as spoiled by its number.
var spoilNumber = Wizard[spoilForm]{
	Name: "blank_spoil", Brief: true,
	Steps: []Step[spoilForm]{
		{
			Name: "number",
			Ask: func(_ context.Context, _ *Bot, t *Turn, _ *spoilForm) (Reply, error) {
				return Reply{Text: "blank_number_ask", Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})}}, nil
			},
			Take: func(ctx context.Context, b *Bot, t *Turn, f *spoilForm) (Outcome, error) {
				if !wrote(t) {
					return stay, unexpected(t)
				}
				key, err := service.ReadBlank(t.Text)
				if err != nil {
					return stay, err
				}
				f.Blank = key
				f.Known, err = b.Blanks.Check(ctx, t.By, f.CenterID, key)
				return next, err
			},
		},
		spoilReason,
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *spoilForm) (Reply, error) {
		spoiled, err := b.Blanks.Spoil(ctx, t.By, f.CenterID, f.Blank, f.Reason)
		if err != nil {
			return Reply{}, err
		}
		r, err := edited(b.blanksCard(ctx, t, f.CenterID))
		r.Lead, r.LeadData = "blank_spoiled", spoiled
		return r, err
	},
}

// spoilOf marks the blank of an application's certificate as spoiled.
var spoilOf = Wizard[spoilForm]{
	Name: "blank_spoil_of", Brief: true,
	Steps: []Step[spoilForm]{spoilReason},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *spoilForm) (Reply, error) {
		spoiled, err := b.Blanks.SpoilOf(ctx, t.By, f.ApplicationID, f.Revision, f.Reason)
		if err != nil {
			return Reply{}, err
		}
		r, err := edited(b.applicationCard(ctx, t, f.ApplicationID))
		r.Lead, r.LeadData = "blank_spoiled", spoiled
		return r, err
	},
}

func (b *Bot) spoilNumberPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressSpoilNumber)
	}
	if _, err := b.Blanks.View(ctx, t.By, t.Press.ID); err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, spoilNumber, spoilForm{CenterID: t.Press.ID}))
}

func (b *Bot) spoilOfPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.namedApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	a := &v.Application
	switch {
	case a.BlankNumber == "":
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonBlankNone}
	case a.BlankState == service.BlankSpoiled:
		r, err := edited(b.applicationCard(ctx, t, a.ID))
		r.Lead, r.LeadData = string(service.ReasonBlankUsed), service.BlankFault{
			Series: a.BlankSeries, Number: a.BlankNumber, State: a.BlankState, Application: a.Number,
		}
		return r, err
	}
	return edited(b.begin(ctx, t, spoilOf, spoilForm{
		ApplicationID: a.ID, Revision: a.Revision, Blank: service.BlankKey{Series: a.BlankSeries, Number: a.BlankNumber},
		Known: service.NamedBlank{Application: a.Number},
	}))
}

// namedApplication is the application that a staff member's button or typed label
// names: «Бланк испорчен · 118-03».
func (b *Bot) namedApplication(ctx context.Context, t *Turn) (*service.ApplicationView, error) {
	id, err := b.applicationID(ctx, t)
	if err != nil {
		return nil, err
	}
	v, err := b.Exams.Application(ctx, t.By, id)
	if err == nil && !v.Staff {
		err = &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	}
	return v, err
}

// blankForm is the blank of a certificate as a conversation learns it. It is
// embedded in the conversation's form.
type blankForm struct {
	Blank    service.BlankKey   // Number is "" before it was said
	Doubt    bool               // it is in no recorded range, and the person must say that it is right
	Outside  bool               // the person has said so
	Left     []service.BlankKey // which the certificate was on by what is known
	AskLeft  bool               // the person must say what has become of them
	Mistaken bool               // they were said by mistake: they are free; else they are spoiled
}

// What can have become of the blanks that are left, as buttons number it.
const (
	leftSpoiled  = 1
	leftMistaken = 2
)

// blankView is what the question about a blank shows.
type blankView struct {
	Application *service.Application
	Form        *blankForm
}

// blankStep asks which blank a certificate is printed on. A number outside the
// recorded ranges is asked about once more, and so is another blank that the
// certificate was on by what is known.
func blankStep[F any](applicationID func(*F) int64, form func(*F) *blankForm, then func(context.Context, *Bot, *Turn, *F) (Outcome, error)) Step[F] {
	return Step[F]{
		Name: "blank",
		Ask: func(ctx context.Context, b *Bot, t *Turn, f *F) (Reply, error) {
			v, err := b.Exams.Application(ctx, t.By, applicationID(f))
			if err != nil {
				return Reply{}, err
			}
			return askBlankOf(t, &v.Application, form(f)), nil
		},
		Take: func(ctx context.Context, b *Bot, t *Turn, f *F) (Outcome, error) {
			known, err := b.takeBlank(ctx, t, applicationID(f), form(f))
			if err != nil || !known {
				return stay, err
			}
			return then(ctx, b, t, f)
		},
	}
}

func askBlankOf(t *Turn, a *service.Application, said *blankForm) Reply {
	r := Reply{Text: "scan_blank_ask", Data: blankView{a, said}, Card: true}
	switch {
	case said.AskLeft:
		r.Rows = append(r.Rows,
			row(Button{Label: "blank_left_spoiled", Press: t.inTalk(pressPick, leftSpoiled)}),
			row(Button{Label: "blank_left_mistaken", Press: t.inTalk(pressPick, leftMistaken)}))
	case said.Blank.Number != "":
		r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressIsRight, 0)}))
	}
	r.Rows = append(r.Rows, row(Button{Press: t.inTalk(pressCancel, 0)}))
	return r
}

// takeBlank reads an answer about the blank of an application's certificate. It
// reports whether everything is said about it.
func (b *Bot) takeBlank(ctx context.Context, t *Turn, applicationID int64, said *blankForm) (bool, error) {
	switch {
	case said.AskLeft && t.Press != nil && t.Press.Do == pressPick && (t.Press.ID == leftSpoiled || t.Press.ID == leftMistaken):
		said.AskLeft, said.Mistaken = false, t.Press.ID == leftMistaken
		return true, nil
	case !said.AskLeft && t.Press != nil && t.Press.Do == pressIsRight && said.Blank.Number != "":
		said.Outside, said.Doubt = said.Outside || said.Doubt, false
	case !wrote(t):
		return false, unexpected(t)
	default:
		key, err := service.ReadBlank(t.Text)
		if err != nil {
			return false, err
		}
		known, err := b.Scans.CheckBlank(ctx, t.By, applicationID, key)
		if err != nil {
			return false, err
		}
		*said = blankForm{Blank: known.Key, Doubt: known.Outside, Left: known.Left}
	}
	said.AskLeft = !said.Doubt && len(said.Left) > 0
	return !said.Doubt && !said.AskLeft, nil
}

// nameBlankForm is what must be known before the blank of a loaded scan is
// written down.
type nameBlankForm struct {
	blankForm
	ApplicationID int64
	Revision      int
	CenterID      int64 // one after the other for all of the center; 0: for one
}

// nameBlank asks for the blank of a scan that came without, of one application or
// of one after the other.
var nameBlank = Wizard[nameBlankForm]{
	Name: "blank_name",
	Steps: []Step[nameBlankForm]{blankStep(
		func(f *nameBlankForm) int64 { return f.ApplicationID },
		func(f *nameBlankForm) *blankForm { return &f.blankForm },
		func(ctx context.Context, b *Bot, t *Turn, f *nameBlankForm) (Outcome, error) {
			_, err := b.Scans.NameBlank(ctx, t.By, service.NameInput{
				ApplicationID: f.ApplicationID, Revision: f.Revision, Blank: f.Blank, Outside: f.Outside, Mistaken: f.Mistaken,
			})
			if err != nil || f.CenterID == 0 {
				return finish, err
			}
			more, err := b.nextUnnamed(ctx, t, f)
			if err != nil || !more {
				return finish, err
			}
			return stay, nil
		},
	)},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *nameBlankForm) (Reply, error) {
		if f.CenterID != 0 {
			r, err := edited(b.blanksCard(ctx, t, f.CenterID))
			r.Lead = "blanks_named"
			return r, err
		}
		r, err := edited(b.applicationCard(ctx, t, f.ApplicationID))
		r.Lead, r.LeadData = "blank_named", f.Blank
		return r, err
	},
}

// nextUnnamed turns the form to the next application of the center whose scan
// came without its blank, false when there is none.
func (b *Bot) nextUnnamed(ctx context.Context, t *Turn, f *nameBlankForm) (bool, error) {
	list, err := b.Scans.Unnamed(ctx, t.By, f.CenterID, 0, 1)
	if err != nil || len(list) == 0 {
		return false, err
	}
	*f = nameBlankForm{ApplicationID: list[0].ID, Revision: list[0].Revision, CenterID: f.CenterID}
	return true, nil
}

func (b *Bot) nameBlankPressed(ctx context.Context, t *Turn) (Reply, error) {
	v, err := b.namedApplication(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	if v.Application.ScanID == 0 {
		return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonScanMissing}
	}
	if v.Application.BlankNumber != "" {
		return edited(b.applicationCard(ctx, t, v.Application.ID))
	}
	return edited(b.begin(ctx, t, nameBlank, nameBlankForm{ApplicationID: v.Application.ID, Revision: v.Application.Revision}))
}

// nameBlanksPressed asks for the blanks of all scans of a center that came
// without.
func (b *Bot) nameBlanksPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressNameBlanks)
	}
	f := nameBlankForm{CenterID: t.Press.ID}
	more, err := b.nextUnnamed(ctx, t, &f)
	if err != nil {
		return Reply{}, err
	}
	if !more {
		return edited(b.blanksCard(ctx, t, t.Press.ID))
	}
	return edited(b.begin(ctx, t, nameBlank, f))
}
