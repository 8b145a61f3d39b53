package bot

import (
	"context"
	"hash/crc32"

	"flowbot/service"
)

// Buttons of a testing centre's own data. The ID is the organisation's, or the
// printer's where the comment says so.
const (
	pressCenter        Action = "cec" // the card
	pressFillCenters   Action = "cef" // lists those whose certificates wait for their data
	pressCenterHistory Action = "ceh" // Version is the page
	pressProfiles      Action = "cep"
	pressProfile       Action = "ceq" // chooses; Version is profileKey of the code
	pressProfileTable  Action = "cet"
	pressProfileUpload Action = "ceu"
	pressPrinters      Action = "cer"
	pressPrinterAdd    Action = "cea"
	pressPrinter       Action = "ced" // ID is the printer's
	pressPrinterChoose Action = "ceo" // ID is the printer's
	pressPrinterRemove Action = "cex" // ID is the printer's: asks first
	pressPrinterGone   Action = "cey" // ID is the printer's: removes
	pressShiftRight    Action = "cei" // ID is the printer's, Version a moved
	pressShiftLeft     Action = "cej" // as pressShiftRight
	pressShiftDown     Action = "cek" // as pressShiftRight
	pressShiftUp       Action = "cel" // as pressShiftRight
)

// centerFields are the values that are written, each with its button; its Version
// is the center's revision.
var centerFields = []struct {
	code  Action
	label string
	field service.CenterField
}{
	{"ce1", "center_institution", service.CenterInstitution},
	{"ce2", "center_address", service.CenterAddress},
	{"ce3", "center_position", service.CenterPosition},
	{"ce4", "center_signatory", service.CenterSignatory},
}

func (b *Bot) centerActions() []action {
	out := []action{
		{pressCenter, "center", b.centerPressed},
		{pressFillCenters, "centers_to_fill", b.fillCentersPressed},
		{pressCenterHistory, "center_history", b.centerHistoryPressed},
		{pressProfiles, "center_profiles", b.profilesPressed},
		{pressProfile, "center_profile", b.profilePressed},
		{pressProfileTable, "center_profile_table", b.profileTablePressed},
		{pressProfileUpload, "center_profile_upload", b.profileUploadPressed},
		{pressPrinters, "printers", b.printersPressed},
		{pressPrinterAdd, "printer_add", b.printerAddPressed},
		{pressPrinter, "printer", b.printerPressed},
		{pressPrinterChoose, "printer_choose", b.printerChoosePressed},
		{pressPrinterRemove, "printer_remove", b.printerRemovePressed},
		{pressPrinterGone, "printer_remove_yes", b.printerGonePressed},
		{pressShiftRight, "printer_right", b.printerMovePressed(1, 0)},
		{pressShiftLeft, "printer_left", b.printerMovePressed(-1, 0)},
		{pressShiftDown, "printer_down", b.printerMovePressed(0, 1)},
		{pressShiftUp, "printer_up", b.printerMovePressed(0, -1)},
	}
	for _, f := range centerFields {
		out = append(out, action{f.code, f.label, b.centerValuePressed(f.code, f.field)})
	}
	return out
}

// centerTalks are the conversations of this subject.
func centerTalks() []talk { return []talk{centerValue, printerName, sendProfile} }

// chooseCenter answers a deed that was named without its center: does it in the
// only one of the person, or lets choose.
func (b *Bot) chooseCenter(ctx context.Context, t *Turn, do Action) (Reply, error) {
	list, err := b.Centers.Mine(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	switch len(list) {
	case 0:
		return Reply{}, &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	case 1:
		t.Press = &Press{Do: do, ID: list[0].ID}
		return b.actions[do].do(ctx, t)
	}
	return centerList("choose_center", list, do), nil
}

// centerList lists centers to do something about one.
func centerList(text string, list []service.Org, do Action) Reply {
	shown := list[:min(len(list), choosable)]
	r := Reply{Text: text, Data: centersView{Shown: len(shown), Count: len(list)}, Edit: true}
	for _, o := range shown {
		r.Rows = append(r.Rows, row(Button{Label: "center_item", Args: o.Name, Press: Press{Do: do, ID: o.ID}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressMenu}}))
	return r
}

// centersView is what a list of centers says.
type centersView struct{ Shown, Count int }

// fillCentersPressed lists the centers whose certificates wait for their data.
func (b *Bot) fillCentersPressed(ctx context.Context, t *Turn) (Reply, error) {
	list, err := b.Centers.ToFill(ctx, t.By)
	if err != nil {
		return Reply{}, err
	}
	return centerList("centers_to_fill", list, pressCenter), nil
}

// refusalRows are the buttons that lead out of a refusal, nil for none.
func refusalRows(e *service.Error) [][]Button {
	menu := Button{Press: Press{Do: pressMenu}}
	switch data := e.Data.(type) {
	case service.CenterGap:
		if e.Reason == service.ReasonCenterNoProfile {
			return [][]Button{row(Button{Press: Press{Do: pressProfiles, ID: data.OrgID}}), row(menu)}
		}
		return [][]Button{row(Button{Press: Press{Do: pressCenter, ID: data.OrgID}}), row(menu)}
	case service.PrintFaultAt:
		return append([][]Button{faultRow(data)}, examRows(data.ExamID, data.ExamNumber)...)
	case service.FrdoLack:
		out := examRows(data.ExamID, data.ExamNumber)
		if data.Center != nil {
			out = append([][]Button{row(Button{Press: Press{Do: pressCenter, ID: data.CenterID}})}, out...)
		}
		return out
	case service.Exam:
		out := examRows(data.ID, data.Number)
		if e.Reason == service.ReasonDeliveryPaused {
			out = append(deliveryRows(&data, 0), out...)
		}
		return out
	}
	if e.Reason == service.ReasonForbidden {
		return [][]Button{row(menu)}
	}
	if e.Reason == service.ReasonPrinterNone {
		return [][]Button{row(Button{Press: Press{Do: pressPrinters}}), row(menu)}
	}
	if e.Reason == service.ReasonFrdoNoFile {
		return [][]Button{row(Button{Press: Press{Do: pressNumbers}}), row(menu)}
	}
	return nil
}

// faultRow leads to where a printing's fault is mended.
func faultRow(f service.PrintFaultAt) []Button {
	var out []Button
	if f.OffSheet {
		return row(Button{Press: Press{Do: pressPrinters, ID: f.CenterID}})
	}
	if f.ApplicationID != 0 {
		out = append(out, Button{Press: Press{Do: pressApplication, ID: f.ApplicationID}, Args: f.Application})
	}
	return append(out, Button{Press: Press{Do: pressCenter, ID: f.CenterID}})
}

// centerCard shows what is known of a center with a button for each value.
func (b *Bot) centerCard(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.Centers.View(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "center_card", Data: centerCardView{v, printerOf(v.Printer)}}
	if v.Staff {
		var fields []Button
		for _, f := range centerFields {
			fields = append(fields, Button{Press: Press{f.code, id, v.Center.Revision}})
		}
		r.Rows = append(r.Rows, fields[:2], fields[2:],
			row(Button{Press: Press{Do: pressProfiles, ID: id}}, Button{Press: Press{Do: pressPrinters, ID: id}}))
		if v.Profile != nil {
			r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressTrial, ID: id}}))
		}
		waiting, err := b.batchCenterRows(ctx, t, id)
		if err != nil {
			return Reply{}, err
		}
		r.Rows = append(r.Rows, waiting...)
	}
	r.Rows = append(r.Rows,
		row(Button{Label: "history", Press: Press{Do: pressCenterHistory, ID: id}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// centerCardView is what a center's card shows.
type centerCardView struct {
	*service.CenterView
	Device printerView
}

// printerView is a printer in words; the zero one is none.
type printerView struct {
	ID      int64
	Name    string
	RightBy int
	DownBy  int
	Right   string // millimetres, without the sign
	Down    string // millimetres, without the sign
}

func printerOf(p *service.CenterPrinter) printerView {
	if p == nil {
		return printerView{}
	}
	v := offsetsOf(p.Name, p.RightBy, p.DownBy)
	v.ID = p.ID
	return v
}

func offsetsOf(name string, rightBy, downBy int) printerView {
	return printerView{
		Name: name, RightBy: rightBy, DownBy: downBy,
		Right: service.Tenths(max(rightBy, -rightBy)), Down: service.Tenths(max(downBy, -downBy)),
	}
}

func (b *Bot) centerPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressCenter)
	}
	return edited(b.centerCard(ctx, t, t.Press.ID))
}

// centerHistoryView is what the history of a center shows.
type centerHistoryView struct {
	Org   service.Org
	Steps []service.History
	Zone  string
}

// centerHistoryPressed shows the steps of a center, newest page first.
func (b *Bot) centerHistoryPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressCenterHistory)
	}
	v, steps, err := b.Centers.History(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	pages := max(1, (len(steps)+historyPage-1)/historyPage)
	page := min(pageOf(int64(t.Press.Version)), pages-1)
	end := len(steps) - page*historyPage
	r := Reply{Text: "center_history", Edit: true, Data: centerHistoryView{v.Org, steps[max(0, end-historyPage):end], t.By.Zone}}
	var turn []Button
	if page > 0 {
		turn = append(turn, Button{Label: "history_newer", Press: Press{pressCenterHistory, v.Org.ID, page - 1}})
	}
	if page+1 < pages {
		turn = append(turn, Button{Label: "history_older", Press: Press{pressCenterHistory, v.Org.ID, page + 1}})
	}
	r.Rows = append(r.Rows, turn,
		row(Button{Press: Press{Do: pressCenter, ID: v.Org.ID}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// centerForm is what must be known before a value of a center is changed.
type centerForm struct {
	CenterID int64
	Center   string // name
	Field    service.CenterField
	Now      string // what stands
	Revision int
	Value    string
}

// centerValue asks for one value of a center.
var centerValue = Wizard[centerForm]{
	Name: "center_value", Brief: true,
	Steps: []Step[centerForm]{{
		Name: "value",
		Ask: func(_ context.Context, _ *Bot, t *Turn, f *centerForm) (Reply, error) {
			return Reply{Text: "center_value_ask", Data: f, Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})}}, nil
		},
		Take: func(_ context.Context, _ *Bot, t *Turn, f *centerForm) (Outcome, error) {
			if t.Press != nil || t.File != nil || t.Other != "" {
				return stay, unexpected(t)
			}
			var err error
			f.Value, err = service.CheckCenterValue(f.Field, t.Text)
			return next, err
		},
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *centerForm) (Reply, error) {
		if err := b.Centers.Set(ctx, t.By, f.CenterID, f.Revision, f.Field, f.Value); err != nil {
			return Reply{}, err
		}
		return b.centerCard(ctx, t, f.CenterID)
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *centerForm) (Reply, error) {
		return b.centerCard(ctx, t, f.CenterID)
	},
}

// centerValuePressed begins to ask for a value.
func (b *Bot) centerValuePressed(do Action, field service.CenterField) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 {
			return b.chooseCenter(ctx, t, do)
		}
		v, err := b.ownCenter(ctx, t, t.Press.ID)
		if err != nil {
			return Reply{}, err
		}
		return edited(b.begin(ctx, t, centerValue, centerForm{
			CenterID: v.Org.ID, Center: v.Org.Name, Field: field, Now: v.Center.Value(field), Revision: v.Center.Revision,
		}))
	}
}

// ownCenter returns a center in which the person works.
func (b *Bot) ownCenter(ctx context.Context, t *Turn, id int64) (*service.CenterView, error) {
	v, err := b.Centers.View(ctx, t.By, id)
	if err != nil {
		return nil, err
	}
	if !v.Staff {
		return nil, &service.Error{Kind: service.Forbidden, Reason: service.ReasonForbidden}
	}
	return v, nil
}

// profileKey names a blank profile in a button: codes are too long for one.
func profileKey(code string) int { return int(crc32.ChecksumIEEE([]byte(code)) >> 1) }

// profilesView is what the choice of a blank profile says.
type profilesView struct {
	Org    service.Org
	Chosen string // name, "" before
}

// profilesPressed lists the blank profiles to choose from.
func (b *Bot) profilesPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressProfiles)
	}
	return edited(b.profilesScreen(ctx, t, t.Press.ID))
}

func (b *Bot) profilesScreen(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.ownCenter(ctx, t, id)
	if err != nil {
		return Reply{}, err
	}
	list, err := b.Centers.Profiles(ctx, t.By, id)
	if err != nil {
		return Reply{}, err
	}
	shown := profilesView{Org: v.Org}
	r := Reply{Text: "center_profiles"}
	for _, p := range list {
		on := v.Profile != nil && v.Profile.Code == p.Code
		if on {
			shown.Chosen = p.Name
		}
		r.Rows = append(r.Rows, row(Button{
			Label: "center_profile_item", Args: map[string]any{"On": on, "Name": p.Name}, Press: Press{pressProfile, id, profileKey(p.Code)},
		}))
	}
	if v.Profile != nil {
		r.Rows = append(r.Rows,
			row(Button{Press: Press{Do: pressProfileTable, ID: id}}, Button{Press: Press{Do: pressProfileUpload, ID: id}}),
			row(Button{Press: Press{Do: pressTrial, ID: id}}))
	} else {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressProfileUpload, ID: id}}))
	}
	r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressCenter, ID: id}}, Button{Press: Press{Do: pressMenu}}))
	r.Data = shown
	return r, nil
}

// profilePressed chooses a blank profile.
func (b *Bot) profilePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressProfiles)
	}
	v, err := b.ownCenter(ctx, t, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	list, err := b.Centers.Profiles(ctx, t.By, v.Org.ID)
	if err != nil {
		return Reply{}, err
	}
	for _, p := range list {
		if profileKey(p.Code) != t.Press.Version {
			continue
		}
		if err := b.Centers.Set(ctx, t.By, v.Org.ID, v.Center.Revision, service.CenterProfile, p.Code); err != nil {
			return Reply{}, err
		}
		return edited(b.profilesScreen(ctx, t, v.Org.ID))
	}
	return Reply{}, &service.Error{Kind: service.Conflict, Reason: service.ReasonProfileUnknown}
}

// profileTablePressed sends the table of the chosen blank profile.
func (b *Bot) profileTablePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressProfileTable)
	}
	doc, err := b.Centers.ProfileTable(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	name, err := b.text.Label("file_profile", doc.Name)
	if err != nil {
		return Reply{}, err
	}
	return Reply{
		Text: "center_profile_sent", Document: &Attachment{Name: name, Size: doc.Size, Open: doc.Open},
		Rows: [][]Button{
			row(Button{Press: Press{Do: pressProfileUpload, ID: t.Press.ID}}),
			row(Button{Press: Press{Do: pressProfiles, ID: t.Press.ID}}, Button{Press: Press{Do: pressMenu}}),
		},
	}, nil
}

// profileForm is a blank profile on its way in.
type profileForm struct {
	fileForm
	CenterID int64
	Center   string // name
}

// sendProfile takes the table of a center's own blank profile.
var sendProfile = Wizard[profileForm]{
	Name: "center_profile",
	Steps: []Step[profileForm]{
		fileStep[profileForm]{
			Purpose: service.UploadProfile,
			Subject: func(f *profileForm) int64 { return f.CenterID },
			Form:    func(f *profileForm) *fileForm { return &f.fileForm },
			Ask:     "center_profile_ask",
		}.step("file"),
	},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *profileForm) (Reply, error) {
		p, err := b.Centers.AddProfile(ctx, t.By, f.CenterID, f.UploadID)
		if err != nil {
			return Reply{}, err
		}
		return Reply{Text: "center_profile_added", Data: p, Edit: true, Rows: [][]Button{
			row(Button{Press: Press{Do: pressTrial, ID: f.CenterID}}),
			row(Button{Press: Press{Do: pressCenter, ID: f.CenterID}}, Button{Press: Press{Do: pressMenu}}),
		}}, nil
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *profileForm) (Reply, error) {
		return b.profilesScreen(ctx, t, f.CenterID)
	},
}

func (b *Bot) profileUploadPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressProfileUpload)
	}
	v, err := b.ownCenter(ctx, t, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, sendProfile, profileForm{CenterID: v.Org.ID, Center: v.Org.Name}))
}

// printersView is what the list of printers says.
type printersView struct {
	Org    service.Org
	Device printerView // the chosen one
	Count  int
}

// printersPressed lists the printers of a center.
func (b *Bot) printersPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressPrinters)
	}
	return edited(b.printersScreen(ctx, t, t.Press.ID))
}

func (b *Bot) printersScreen(ctx context.Context, t *Turn, id int64) (Reply, error) {
	v, err := b.ownCenter(ctx, t, id)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Text: "printers", Data: printersView{v.Org, printerOf(v.Printer), len(v.Printers)}}
	for _, p := range v.Printers {
		r.Rows = append(r.Rows, row(Button{
			Label: "printer_item", Args: map[string]any{"On": p.ID == v.Center.PrinterID, "Name": p.Name}, Press: Press{Do: pressPrinter, ID: p.ID},
		}))
	}
	r.Rows = append(r.Rows,
		row(Button{Press: Press{Do: pressPrinterAdd, ID: id}}),
		row(Button{Press: Press{Do: pressCenter, ID: id}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

// printerForm is a printer that is being added.
type printerForm struct {
	CenterID int64
	Name     string
}

// printerName asks for the name of a new printer.
var printerName = Wizard[printerForm]{
	Name: "printer_add", Brief: true,
	Steps: []Step[printerForm]{{
		Name: "name",
		Ask: func(_ context.Context, _ *Bot, t *Turn, _ *printerForm) (Reply, error) {
			return Reply{Text: "printer_add_ask", Rows: [][]Button{row(Button{Press: t.inTalk(pressCancel, 0)})}}, nil
		},
		Take: func(_ context.Context, _ *Bot, t *Turn, f *printerForm) (Outcome, error) {
			if t.Press != nil || t.File != nil || t.Other != "" || t.Text == "" {
				return stay, unexpected(t)
			}
			f.Name = t.Text
			return next, nil
		},
	}},
	Done: func(ctx context.Context, b *Bot, t *Turn, f *printerForm) (Reply, error) {
		p, err := b.Centers.AddPrinter(ctx, t.By, f.CenterID, f.Name)
		if err != nil {
			return Reply{}, err
		}
		return b.printerCard(ctx, t, p)
	},
	Left: func(ctx context.Context, b *Bot, t *Turn, f *printerForm) (Reply, error) {
		return b.printersScreen(ctx, t, f.CenterID)
	},
}

func (b *Bot) printerAddPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressPrinterAdd)
	}
	if _, err := b.ownCenter(ctx, t, t.Press.ID); err != nil {
		return Reply{}, err
	}
	return edited(b.begin(ctx, t, printerName, printerForm{CenterID: t.Press.ID}))
}

// moved is where a printer's print goes by a button, packed into its Version: the
// offset on the button's axis as it will be, and the printer's revision. The
// same press twice moves once.
type moved struct {
	to       int // tenths of a millimetre
	revision int
}

// movedBits hold an offset with its sign: service.MaxOffset either way, and the
// steps beyond it that are refused.
const movedBits = 9

func (m moved) version() int { return m.revision<<movedBits | (m.to + 1<<(movedBits-1)) }

func movedOf(version int) moved {
	return moved{to: version&(1<<movedBits-1) - 1<<(movedBits-1), revision: version >> movedBits}
}

// printerCardView is what a printer's card shows.
type printerCardView struct {
	printerView
	Chosen bool
	Limit  int // millimetres
}

// printerCard shows a printer with buttons that move its print.
func (b *Bot) printerCard(ctx context.Context, t *Turn, p *service.CenterPrinter) (Reply, error) {
	v, err := b.ownCenter(ctx, t, p.CenterID)
	if err != nil {
		return Reply{}, err
	}
	chosen := v.Center.PrinterID == p.ID
	r := Reply{Text: "printer_card", Data: printerCardView{printerOf(p), chosen, service.MaxOffset / 10}}
	axis := func(at int, less, more Action) []Button {
		var out []Button
		for _, step := range []int{-10, -1, 1, 10} {
			do, by := more, step
			if step < 0 {
				do, by = less, -step
			}
			if to := at + step; to >= -service.MaxOffset && to <= service.MaxOffset {
				out = append(out, Button{Args: service.Tenths(by), Press: Press{do, p.ID, moved{to, p.Revision}.version()}})
			}
		}
		return out
	}
	r.Rows = append(r.Rows, axis(p.RightBy, pressShiftLeft, pressShiftRight), axis(p.DownBy, pressShiftUp, pressShiftDown))
	if !chosen {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressPrinterChoose, ID: p.ID}}))
	}
	if v.Profile != nil && chosen {
		r.Rows = append(r.Rows, row(Button{Press: Press{Do: pressTrial, ID: p.CenterID}}))
	}
	r.Rows = append(r.Rows,
		row(Button{Press: Press{Do: pressPrinterRemove, ID: p.ID}}, Button{Press: Press{Do: pressPrinters, ID: p.CenterID}}),
		row(Button{Press: Press{Do: pressCenter, ID: p.CenterID}}, Button{Press: Press{Do: pressMenu}}))
	return r, nil
}

func (b *Bot) printerPressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressPrinters)
	}
	p, err := b.Centers.Device(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	if p.RemovedAt != nil {
		return edited(b.printersScreen(ctx, t, p.CenterID))
	}
	return edited(b.printerCard(ctx, t, p))
}

func (b *Bot) printerChoosePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressPrinters)
	}
	p, err := b.Centers.ChoosePrinter(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	return edited(b.printerCard(ctx, t, p))
}

func (b *Bot) printerRemovePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressPrinters)
	}
	p, err := b.Centers.Device(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	return Reply{Text: "printer_remove_ask", Data: printerOf(p), Edit: true, Rows: [][]Button{
		row(Button{Press: Press{Do: pressPrinterGone, ID: p.ID}}, Button{Label: "back", Press: Press{Do: pressPrinter, ID: p.ID}}),
	}}, nil
}

func (b *Bot) printerGonePressed(ctx context.Context, t *Turn) (Reply, error) {
	if t.Press.ID == 0 {
		return b.chooseCenter(ctx, t, pressPrinters)
	}
	p, err := b.Centers.RemovePrinter(ctx, t.By, t.Press.ID)
	if err != nil {
		return Reply{}, err
	}
	return edited(b.printersScreen(ctx, t, p.CenterID))
}

// printerMovePressed moves a printer's print by a step to the right or down:
// what the button says or, typed, «вправо 0,3» for the chosen printer.
func (b *Bot) printerMovePressed(right, down int) handler {
	return func(ctx context.Context, t *Turn) (Reply, error) {
		if t.Press.ID == 0 {
			return b.printerMoveTyped(ctx, t, right, down)
		}
		p, err := b.Centers.Device(ctx, t.By, t.Press.ID)
		if err != nil {
			return Reply{}, err
		}
		m := movedOf(t.Press.Version)
		rightBy, downBy := m.to, p.DownBy
		if right == 0 {
			rightBy, downBy = p.RightBy, m.to
		}
		changed, err := b.Centers.MovePrinter(ctx, t.By, p.ID, m.revision, rightBy, downBy)
		if e := service.AsError(err); err != nil && e.Reason == service.ReasonMovedOn && p.RemovedAt == nil {
			r, err := edited(b.printerCard(ctx, t, p)) // rather than the center's
			r.Lead, r.LeadData = string(e.Reason), e.Data
			return r, err
		}
		if err != nil {
			return Reply{}, err
		}
		return edited(b.printerCard(ctx, t, changed))
	}
}

func (b *Bot) printerMoveTyped(ctx context.Context, t *Turn, right, down int) (Reply, error) {
	p, err := b.onlyPrinter(ctx, t)
	if err != nil {
		return Reply{}, err
	}
	if t.Again { // it may have been moved by this very message
		return b.printerCard(ctx, t, p)
	}
	by, err := service.ParseTenths(t.Suffix)
	if err == nil {
		var changed *service.CenterPrinter
		if changed, err = b.Centers.MovePrinter(ctx, t.By, p.ID, p.Revision, p.RightBy+right*by, p.DownBy+down*by); err == nil {
			p = changed
		}
	}
	if e := service.AsError(err); err != nil && e.Kind == service.Invalid {
		r, err := b.printerCard(ctx, t, p)
		r.Lead, r.LeadData = string(e.Reason), e.Data
		return r, err
	}
	if err != nil {
		return Reply{}, err
	}
	return b.printerCard(ctx, t, p)
}

// onlyPrinter is the chosen printer of the only center that has one.
func (b *Bot) onlyPrinter(ctx context.Context, t *Turn) (*service.CenterPrinter, error) {
	list, err := b.Centers.Mine(ctx, t.By)
	if err != nil {
		return nil, err
	}
	var out *service.CenterPrinter
	for _, o := range list {
		v, err := b.Centers.View(ctx, t.By, o.ID)
		if err != nil {
			return nil, err
		}
		if v.Printer != nil && out != nil {
			return nil, &service.Error{Kind: service.Conflict, Reason: service.ReasonPrinterNone}
		}
		if v.Printer != nil {
			out = v.Printer
		}
	}
	if out == nil {
		return nil, &service.Error{Kind: service.Conflict, Reason: service.ReasonPrinterNone}
	}
	return out, nil
}
