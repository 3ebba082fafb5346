//! A picture: links of the host above, routers below them, segments below these, and zones below all.

use std::fmt::Write;

use super::{Overview, addresses, called, networks, outside, vlan};
use crate::net::{Attachment, Ingress, Mode, Router, Segment};

const ZONE: (f64, f64) = (164.0, 44.0);
const ROUTER: (f64, f64) = (196.0, 46.0);
const BAR: f64 = 26.0;
const GAP: f64 = 18.0;
const MARGIN: f64 = 24.0;
/// Zones side by side.
const PER_ROW: usize = 4;
const LINE: f64 = 15.0;
/// Of a letter, about.
const LETTER: f64 = 6.7;
const BOLD_LETTER: f64 = 7.6;

/// What hangs on one link of the host.
struct Group<'o> {
    title: String,
    routers: Vec<&'o Router>,
    zones: Vec<&'o Attachment>,
}

impl Overview {
    /// The networks as a picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut drawing = Drawing { body: String::new(), lines: String::new(), right: 0.0, bottom: 0.0 };
        let mut places: Vec<(String, f64, f64)> = Vec::new();
        let mut left = MARGIN;
        for group in self.groups() {
            left = self.group(&group, left, &mut drawing, &mut places) + 2.0 * GAP;
        }
        for peering in &self.peerings {
            let place = |name: &str| places.iter().find(|(router, ..)| router == name).map(|&(_, x, y)| (x, y));
            if let (Some(one), Some(other)) = (place(peering.one.zone_name()), place(peering.other.name())) {
                drawing.arc(one, other);
            }
        }
        if drawing.body.is_empty() {
            drawing.text(MARGIN, MARGIN + LINE, "no networks", "");
        }
        drawing.finish()
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let over = |router: &Router| self.outside_of(router).map(|outside| outside.over.clone());
        let links = self.links();
        let mut groups: Vec<Group<'_>> = Vec::new();
        for link in &links {
            let routers = self.routers().into_iter().filter(|router| over(router).as_ref() == Some(link)).collect();
            groups.push(Group { title: link.to_string(), routers, zones: self.zones_right_on(link) });
        }
        // Those whose way out is another segment, or nobody's business.
        let inner = |router: &&Router| over(router).is_none_or(|link| !links.contains(&&link));
        let routers: Vec<&Router> = self.routers().into_iter().filter(inner).collect();
        for router in routers {
            let above = self.segments.iter().find(|segment| over(router).as_ref() == Some(&segment.etherstub));
            let title = above.map_or_else(|| "way out unknown".to_owned(), networks);
            groups.push(Group { title, routers: vec![router], zones: Vec::new() });
        }
        groups
    }

    /// Its right end.
    fn group(&self, group: &Group<'_>, left: f64, drawing: &mut Drawing, places: &mut Vec<(String, f64, f64)>) -> f64 {
        let top = MARGIN;
        let mut at = left;
        for router in &group.routers {
            let width = self.segments_of(router).map(|segment| self.width(segment)).fold(ROUTER.0, f64::max);
            let middle = at + width / 2.0;
            drawing.line((middle, top + BAR), (middle, top + BAR + 1.5 * GAP));
            let below = self.router(router, (middle, top + BAR + 1.5 * GAP), drawing);
            places.push((router.zone_name().to_owned(), middle, top + BAR + 1.5 * GAP + ROUTER.1 / 2.0));
            let mut y = below;
            for (number, segment) in self.segments_of(router).enumerate() {
                if number == 0 {
                    drawing.line((middle, y), (middle, y + GAP));
                } else {
                    // Past those above it.
                    let (beside, fork, bar) = (at + width + 0.75 * GAP, below + GAP / 2.0, y + GAP + BAR / 2.0);
                    drawing.line((middle, fork), (beside, fork));
                    drawing.line((beside, fork), (beside, bar));
                    drawing.line((beside, bar), (at + width, bar));
                }
                y = self.segment(segment, (at, y + GAP), width, drawing);
            }
            at += width + 1.5 * GAP;
        }
        if !group.zones.is_empty() {
            let width = grid_width(group.zones.len());
            grid(&group.zones, (at, top + BAR), drawing);
            at += width + 1.5 * GAP;
        }
        let right = (at - 1.5 * GAP).max(left + ZONE.0);
        drawing.bar((left, top), right - left, &group.title, "#c9d3df");
        right
    }

    fn width(&self, segment: &Segment) -> f64 {
        let title = networks(segment).chars().count() as f64 * BOLD_LETTER + 60.0;
        grid_width(self.zones_on(segment).len()).max(title)
    }

    /// Its lower end. What is above its middle is given.
    fn router(&self, router: &Router, (middle, top): (f64, f64), drawing: &mut Drawing) -> f64 {
        let way = |ingress: &Ingress| {
            format!("{} {} \u{2192} {}:{}", ingress.port, ingress.name, ingress.zone, ingress.zone_port)
        };
        let ways = self.ingresses_of(router).map(|ingress| (way(ingress), "font-size=\"11\" fill=\"#7a4a00\""));
        let far =
            self.peers_elsewhere(router).map(|name| (format!("peer {name}"), "font-size=\"11\" fill=\"#a03070\""));
        let more: Vec<(String, &str)> = ways.chain(far).collect();
        let height = ROUTER.1 + LINE * more.len() as f64;
        let left = middle - ROUTER.0 / 2.0;
        drawing.rectangle((left, top), (ROUTER.0, height), "fill=\"#fde9c8\" stroke=\"#b5813a\"");
        drawing.label((left, top), ROUTER.0, &called(router), "font-weight=\"bold\"");
        let out = self.outside_of(router).map(outside).unwrap_or_default();
        drawing.label((left, top + LINE), ROUTER.0, &out, "fill=\"#444\"");
        for (row, (text, style)) in more.iter().enumerate() {
            drawing.label((left, top + LINE * (row as f64 + 2.0) + 4.0), ROUTER.0, text, style);
        }
        top + height
    }

    /// Its lower end.
    fn segment(&self, segment: &Segment, (left, top): (f64, f64), width: f64, drawing: &mut Drawing) -> f64 {
        drawing.bar((left, top), width, &networks(segment), "#dcead4");
        grid(&self.zones_on(segment), (left, top + BAR), drawing)
    }
}

fn grid_width(zones: usize) -> f64 {
    let columns = zones.clamp(1, PER_ROW) as f64;
    columns * (ZONE.0 + GAP)
}

/// Zones below a bar; the lower end. Those of lower rows hang on a line that passes between the boxes.
fn grid(zones: &[&Attachment], (left, top): (f64, f64), drawing: &mut Drawing) -> f64 {
    let mut bottom = top;
    for (index, zone) in zones.iter().enumerate() {
        let (row, column) = ((index / PER_ROW) as f64, (index % PER_ROW) as f64);
        // The lines to lower rows begin below the bar too.
        let x = left + GAP + column * (ZONE.0 + GAP);
        let y = top + GAP + row * (ZONE.1 + GAP);
        if row == 0.0 {
            drawing.line((x + 20.0, top), (x + 20.0, y));
        } else {
            let beside = x - GAP / 2.0;
            drawing.line((beside, top), (beside, y + ZONE.1 / 2.0));
            drawing.line((beside, y + ZONE.1 / 2.0), (x, y + ZONE.1 / 2.0));
        }
        let style = match zone.mode {
            Mode::Exclusive => "fill=\"#e3f0fb\" stroke=\"#4a7fb0\"",
            Mode::Shared => "fill=\"#f3f6ee\" stroke=\"#6f9a4e\" stroke-dasharray=\"5 3\"",
        };
        drawing.rectangle((x, y), ZONE, style);
        drawing.label((x, y), ZONE.0, zone.zone.as_str(), "font-weight=\"bold\"");
        let text = format!("{}{}", addresses(zone), vlan(zone.vlan));
        drawing.label((x, y + LINE), ZONE.0, &text, "fill=\"#444\"");
        bottom = bottom.max(y + ZONE.1);
    }
    bottom
}

struct Drawing {
    body: String,
    /// Below everything else.
    lines: String,
    right: f64,
    bottom: f64,
}

impl Drawing {
    fn reach(&mut self, (x, y): (f64, f64)) {
        self.right = self.right.max(x);
        self.bottom = self.bottom.max(y);
    }

    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        // Writing to a string does not fail.
        let _ = writeln!(self.lines, "<path d=\"M{x1:.1} {y1:.1} L{x2:.1} {y2:.1}\" stroke=\"#666\" fill=\"none\"/>");
    }

    /// Between two routers, above those that are between them.
    fn arc(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let (left, right) = (x1.min(x2) + ROUTER.0 / 4.0, x1.max(x2) - ROUTER.0 / 4.0);
        let (middle, y) = ((left + right) / 2.0, y1.min(y2) - ROUTER.1 / 2.0);
        let _ = writeln!(
            self.lines,
            "<path d=\"M{left:.1} {y:.1} Q{middle:.1} {:.1} {right:.1} {y:.1}\" stroke=\"#a03070\" stroke-dasharray=\"6 4\" fill=\"none\"/>",
            // It rises half as high as this.
            y - 2.4 * GAP
        );
    }

    fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), style: &str) {
        self.reach((x + width, y + height));
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"4\" {style}/>"
        );
    }

    fn bar(&mut self, (x, y): (f64, f64), width: f64, title: &str, colour: &str) {
        self.rectangle((x, y), (width, BAR), &format!("fill=\"{colour}\" stroke=\"#888\""));
        self.label((x, y - 1.0), width, title, "font-weight=\"bold\"");
    }

    /// A line of text in a box, cut off where the box ends.
    fn label(&mut self, (x, y): (f64, f64), width: f64, text: &str, style: &str) {
        let letter = if style.contains("bold") { BOLD_LETTER } else { LETTER };
        let room = ((width - 16.0) / letter) as usize;
        if text.chars().count() <= room {
            return self.text(x + 8.0, y + LINE + 3.0, text, style);
        }
        let shown: String = text.chars().take(room.saturating_sub(1)).chain(['\u{2026}']).collect();
        let _ = write!(self.body, "<g><title>{}</title>", escaped(text));
        self.text(x + 8.0, y + LINE + 3.0, &shown, style);
        self.body.push_str("</g>\n");
    }

    fn text(&mut self, x: f64, y: f64, text: &str, style: &str) {
        self.reach((x + text.chars().count() as f64 * LETTER, y));
        let _ = writeln!(self.body, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{}</text>", escaped(text));
    }

    fn finish(self) -> String {
        let (width, height) = (self.right + MARGIN, self.bottom + MARGIN);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"DejaVu Sans, sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}{}</svg>\n",
            self.lines, self.body
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
