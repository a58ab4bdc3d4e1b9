//! XML as the event packages use it: read with bounds, written compactly.
//!
//! A document is read whole into a small tree of the elements of one namespace; those of others are
//! passed over, as each package asks for. There are no document types, and so no entities but the five
//! that XML has, and nothing outside the document is ever looked at.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

use crate::Malformed;

/// Bytes of a document: no more than a message has.
pub const MAX_BYTES: usize = crate::limits::MAX_MESSAGE;

/// How deep elements may stand in each other.
pub const MAX_DEPTH: usize = 16;

/// Elements of a document, those that are passed over included.
pub const MAX_ELEMENTS: usize = 4_096;

/// Attributes of an element, declarations of namespaces included.
pub const MAX_ATTRIBUTES: usize = 32;

/// Declarations of namespaces that hold at a time.
pub const MAX_NAMESPACES: usize = 32;

/// What XML calls white space.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// An element of the namespace that was asked for.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    /// Those without prefix, and `xml:lang`.
    attributes: Vec<(String, String)>,
    /// What stands directly in it, without the space around.
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document whose root is that element.
    pub(crate) fn read(bytes: &[u8], namespace: &str, root: &'static str) -> Result<Self, Malformed> {
        if bytes.len() > MAX_BYTES {
            return Err(Malformed::new("an XML document is too long"));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Malformed::new("an XML document is not UTF-8").at(error.valid_up_to()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        only_chars(text)?;
        let root_element = Builder { namespace, ..Builder::default() }.build(text)?;
        if root_element.name == root {
            Ok(root_element)
        } else {
            Err(Malformed::because(format!("an XML document is no {root}")))
        }
    }

    /// The attribute of that name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same, which has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Malformed> {
        self.attribute(name).ok_or_else(|| {
            Malformed::because(format!("an XML element {} has no attribute {name}", self.name))
        })
    }

    /// The elements of that name directly in this one.
    pub(crate) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first of them.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// What stands in the first of them.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(Self::text)
    }

    /// The same, to be kept.
    pub(crate) fn owned_text_of(&self, name: &str) -> Option<String> {
        self.text_of(name).map(str::to_owned)
    }

    /// What stands directly in it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// A whole number without sign.
pub(crate) fn number<N: std::str::FromStr>(text: &str) -> Result<N, Malformed> {
    let digits = text.trim_matches(SPACE);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed::new("a value in an XML document is no number"));
    }
    digits.parse().map_err(|_| Malformed::new("a number in an XML document is too large"))
}

/// `true` and `false`, or 1 and 0.
pub(crate) fn boolean(text: &str) -> Result<bool, Malformed> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Malformed::new("a value in an XML document is neither true nor false")),
    }
}

/// Only what XML 1.0 §2.2 calls a character.
fn only_chars(text: &str) -> Result<(), Malformed> {
    match text.find(|c| !is_char(c)) {
        Some(at) => Err(Malformed::new("an XML document has a character that XML has not").at(at)),
        None => Ok(()),
    }
}

const fn is_char(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// Puts the tree together.
#[derive(Default)]
struct Builder<'a> {
    namespace: &'a str,
    /// The elements that are open, the root first.
    open: Vec<Element>,
    /// How many elements of other namespaces are open, the outermost of which is in the last of `open`.
    foreign: usize,
    elements: usize,
    root: Option<Element>,
}

impl Builder<'_> {
    fn build(mut self, text: &str) -> Result<Element, Malformed> {
        let mut reader = NsReader::from_str(text);
        reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
        loop {
            let (namespace, event) =
                reader.read_resolved_event().map_err(|_| Malformed::new("the XML is not well-formed"))?;
            let ours = namespace == ResolveResult::Bound(Namespace(self.namespace));
            match event {
                Event::Start(tag) => self.start(ours, &tag)?,
                Event::Empty(tag) => {
                    self.start(ours, &tag)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(text) => self.text(&text.xml10_content())?,
                Event::CData(text) => self.text(&text.xml10_content())?,
                Event::GeneralRef(name) => {
                    let c = character(&name).ok_or(Malformed::new("an XML document has an entity"))?;
                    self.text(c.encode_utf8(&mut [0; 4]))?;
                }
                Event::Decl(decl) => {
                    let utf8 = decl.encoding().is_none_or(|encoding| {
                        encoding.is_ok_and(|name| {
                            name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii")
                        })
                    });
                    if !utf8 {
                        return Err(Malformed::new("an XML document says that it is not UTF-8"));
                    }
                }
                // RFC 3470 §4.3 and the attacks that hide there.
                Event::DocType(_) => return Err(Malformed::new("an XML document has a document type")),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        match self.root {
            Some(root) if self.open.is_empty() && self.foreign == 0 => Ok(root),
            Some(_) | None => Err(Malformed::new("an XML document is cut off, or of another namespace")),
        }
    }

    fn start(&mut self, ours: bool, tag: &BytesStart<'_>) -> Result<(), Malformed> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(Malformed::new("an XML document has too many elements"));
        }
        if self.open.len() + self.foreign >= MAX_DEPTH {
            return Err(Malformed::new("an XML document is too deep"));
        }
        if self.open.is_empty() && (self.root.is_some() || self.foreign == 0 && !ours) {
            return Err(Malformed::new("an XML document has two roots, or one of another namespace"));
        }
        let attributes = attributes(tag)?;
        if self.foreign > 0 || !ours {
            self.foreign += 1;
        } else {
            let name = tag.local_name().as_ref().to_owned();
            self.open.push(Element { name, attributes, ..Element::default() });
        }
        Ok(())
    }

    fn end(&mut self) {
        if self.foreign > 0 {
            self.foreign -= 1;
        } else if let Some(mut element) = self.open.pop() {
            let text = element.text.trim_matches(SPACE);
            if text.len() < element.text.len() {
                element.text = text.into();
            }
            match self.open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => self.root = Some(element),
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Malformed> {
        only_chars(text)?;
        match self.open.last_mut() {
            Some(element) if self.foreign == 0 => element.text.push_str(text),
            Some(_) => {}
            None if text.trim_matches(SPACE).is_empty() => {}
            None => return Err(Malformed::new("an XML document has text outside its root")),
        }
        Ok(())
    }
}

/// The attributes without prefix, and `xml:lang`; the others are of other namespaces, or declare them.
fn attributes(tag: &BytesStart<'_>) -> Result<Vec<(String, String)>, Malformed> {
    let mut kept = Vec::new();
    for (count, attribute) in tag.attributes().enumerate() {
        if count >= MAX_ATTRIBUTES {
            return Err(Malformed::new("an XML element has too many attributes"));
        }
        let attribute = attribute.map_err(|_| Malformed::new("an XML attribute is not well-formed"))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| Malformed::new("an XML attribute has an entity"))?;
        only_chars(&value)?;
        let name = attribute.key.as_ref();
        if name == "xml:lang" || (!name.contains(':') && name != "xmlns") {
            kept.push((name.to_owned(), value.into_owned()));
        }
    }
    Ok(kept)
}

/// What a reference stands for: a character by its number, or one of the five that XML names.
fn character(name: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if name.is_char_ref() {
        return name.resolve_char_ref().ok().flatten();
    }
    match &**name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// Writes a document, without space between its elements: it has to fit a datagram.
pub(crate) struct Writer {
    out: String,
    open: Vec<&'static str>,
    /// The last tag still takes attributes.
    in_tag: bool,
}

impl Writer {
    /// Begins a document with its root.
    pub(crate) fn new(root: &'static str, namespace: &str) -> Self {
        let out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned();
        let mut writer = Self { out, open: Vec::new(), in_tag: false };
        writer.start(root).attribute("xmlns", namespace);
        writer
    }

    /// Begins a piece of a document.
    pub(crate) const fn fragment() -> Self {
        Self { out: String::new(), open: Vec::new(), in_tag: false }
    }

    /// Begins an element.
    pub(crate) fn start(&mut self, name: &'static str) -> &mut Self {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// An attribute of the element that was just begun.
    pub(crate) fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.escape(value, true);
        self.out.push('"');
        self
    }

    /// The same, if there is a value.
    pub(crate) fn attribute_if(&mut self, name: &'static str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.attribute(name, value);
        }
        self
    }

    /// Text in the element that is open.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.close_tag();
        self.escape(text, false);
        self
    }

    /// Ends the element that is open.
    pub(crate) fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            if self.in_tag {
                self.out.push_str("/>");
                self.in_tag = false;
            } else {
                self.out.push_str("</");
                self.out.push_str(name);
                self.out.push('>');
            }
        }
        self
    }

    /// An element with text and nothing else.
    pub(crate) fn leaf(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.start(name).text(text).end()
    }

    /// The same, if there is text.
    pub(crate) fn leaf_if(&mut self, name: &'static str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.leaf(name, text);
        }
        self
    }

    /// The document, with all ended that is open.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn close_tag(&mut self) {
        if self.in_tag {
            self.out.push('>');
            self.in_tag = false;
        }
    }

    /// White space in attributes, and CR anywhere, would be read as something else.
    fn escape(&mut self, text: &str, attribute: bool) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' if attribute => self.out.push_str("&quot;"),
                '\t' if attribute => self.out.push_str("&#9;"),
                '\n' if attribute => self.out.push_str("&#10;"),
                '\r' => self.out.push_str("&#13;"),
                c if is_char(c) => self.out.push(c),
                _ => self.out.push('\u{fffd}'),
            }
        }
    }
}

/// An enumeration whose values are words of a document.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident: $wrong:literal, $($(#[$word_doc:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[$word_doc])* $variant,)*
        }

        impl $type {
            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            fn read(text: &str) -> Result<Self, $crate::Malformed> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::Malformed::new($wrong)),
                }
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Element, Malformed> {
        Element::read(text.as_bytes(), "urn:x", "r")
    }

    fn refusal(text: &str) -> String {
        read(text).expect_err("it is wrong").what().to_owned()
    }

    #[test]
    fn one_namespace_is_read_and_the_others_are_passed_over() {
        let root = read(
            "\u{feff}<?xml version='1.0' encoding='utf-8'?><!-- c --><p:r xmlns:p='urn:x' xmlns:q='urn:y' a=' 1 ' \
             q:a='2' xml:lang='en'><q:c>no<p:c>nor this</p:c></q:c><p:c>  a &amp; &#x62;<![CDATA[ <c>]]>\n</p:c>\
             <c>without</c><?pi x?><p:d/></p:r>\n",
        )
        .unwrap();
        assert_eq!(root.attribute("a"), Some(" 1 "));
        assert_eq!((root.attribute("q:a"), root.attribute("xml:lang")), (None, Some("en")));
        assert_eq!(root.children("c").map(Element::text).collect::<Vec<_>>(), ["a & b <c>"]);
        assert_eq!((root.text(), root.text_of("d"), root.text_of("e")), ("", Some(""), None));
        assert!(root.required("b").unwrap_err().what().contains("no attribute b"));
    }

    #[test]
    fn entities_of_their_own_are_impossible() {
        let bomb = "<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><r xmlns='urn:x'>&b;</r>";
        assert_eq!(refusal(bomb), "an XML document has a document type");
        let file = "<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r xmlns='urn:x'/>";
        assert_eq!(refusal(file), "an XML document has a document type");
        assert_eq!(refusal("<r xmlns='urn:x'>&b;</r>"), "an XML document has an entity");
        assert_eq!(refusal("<r xmlns='urn:x' a='&b;'/>"), "an XML attribute has an entity");
    }

    #[test]
    fn the_bounds() {
        let deep = |depth: usize| {
            let (open, close) = ("<r xmlns='urn:x'>", "</r>");
            [open.repeat(depth), close.repeat(depth)].concat()
        };
        assert!(read(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(refusal(&deep(MAX_DEPTH + 1)), "an XML document is too deep");
        let foreign = |depth: usize| {
            format!("<r xmlns='urn:x'>{}{}</r>", "<f xmlns=''>".repeat(depth), "</f>".repeat(depth))
        };
        assert!(read(&foreign(MAX_DEPTH - 1)).is_ok());
        assert_eq!(refusal(&foreign(MAX_DEPTH)), "an XML document is too deep");
        let many = |count: usize| format!("<r xmlns='urn:x'>{}</r>", "<c/>".repeat(count));
        assert!(read(&many(MAX_ELEMENTS - 1)).is_ok());
        assert_eq!(refusal(&many(MAX_ELEMENTS)), "an XML document has too many elements");
        let attributes = |count: usize| {
            let all: Vec<_> = (1..count).map(|i| format!(" a{i}=''")).collect();
            format!("<r xmlns='urn:x'{}/>", all.concat())
        };
        assert!(read(&attributes(MAX_ATTRIBUTES)).is_ok());
        assert_eq!(refusal(&attributes(MAX_ATTRIBUTES + 1)), "an XML element has too many attributes");
        let namespaces: Vec<_> = (0..MAX_NAMESPACES).map(|i| format!(" xmlns:n{i}='u'")).collect();
        assert_eq!(
            refusal(&format!("<r xmlns='urn:x'{}/>", namespaces.concat())),
            "the XML is not well-formed"
        );
        let long = |length: usize| {
            let frame = "<r xmlns='urn:x'></r>";
            frame.replace("><", &format!(">{}<", "x".repeat(length - frame.len())))
        };
        assert!(read(&long(MAX_BYTES)).is_ok());
        assert_eq!(refusal(&long(MAX_BYTES + 1)), "an XML document is too long");
    }

    #[test]
    fn what_is_refused() {
        for bad in [
            "",
            "x",
            "<r/>",
            "<r xmlns='urn:y'/>",
            "<s xmlns='urn:x'/>",
            "<r xmlns='urn:x'>",
            "<r xmlns='urn:x'></s>",
            "<r xmlns='urn:x'/><r xmlns='urn:x'/>",
            "<r xmlns='urn:x'/><s/>",
            "<r xmlns='urn:x'/>x",
            "<r xmlns='urn:x' a='1' a='2'/>",
            "<r xmlns='urn:x' a=1/>",
            "<r xmlns='urn:x'>&</r>",
            "<r xmlns='urn:x'>&#0;</r>",
            "<r xmlns='urn:x'>&#8;</r>",
            "<r xmlns='urn:x' a='&#8;'/>",
            "<r xmlns='urn:x'>\u{8}</r>",
            "<p:r xmlns='urn:x'/>",
            "<?xml version='1.0' encoding='ISO-8859-1'?><r xmlns='urn:x'/>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(Element::read(b"<r xmlns='urn:x'>\xe4</r>", "urn:x", "r").is_err());
        assert!(boolean("yes").is_err() && number::<u32>("+1").is_err() && number::<u8>("256").is_err());
        assert_eq!((boolean("1"), number(" 7 ")), (Ok(true), Ok(7_u32)));
    }

    #[test]
    fn what_is_written_is_read() {
        let nasty = "<a> & \"b\" 'c'\t\r\n]]> ä\u{1}";
        let mut writer = Writer::new("r", "urn:x");
        writer.attribute("a", nasty).attribute_if("b", None).leaf("c", nasty).leaf_if("d", None).start("e");
        let document = writer.finish();
        let root = read(&document).unwrap();
        let back = nasty.replace('\u{1}', "\u{fffd}");
        assert_eq!((root.attribute("a"), root.text_of("c")), (Some(&*back), Some(&*back)));
        assert!(document.ends_with("<e/></r>"), "{document}");
    }
}
