import Testing

@testable import DBus

struct SignatureTests {
  @Test(arguments: ["", "y", "a{sv}", "aay", "a{oa{sa{sv}}}", "(i(su)av)", "vhg", "a(ii)s"])
  func validSignatures(_ text: String) {
    #expect(DBusSignature(text)?.text == text)
  }

  @Test(arguments: ["a", "()", "(", ")", "{sv}", "a{vs}", "a{s}", "a{svv}", "(i", "z", "a{(s)v}", "e", "r", "é"])
  func invalidSignatures(_ text: String) {
    #expect(DBusSignature(text) == nil)
  }

  @Test func depthAndLengthAreLimited() {
    #expect(DBusSignature(String(repeating: "a", count: 32) + "y") != nil)
    #expect(DBusSignature(String(repeating: "a", count: 33) + "y") == nil)
    #expect(DBusSignature(String(repeating: "(", count: 33) + "y" + String(repeating: ")", count: 33)) == nil)
    #expect(DBusSignature(String(repeating: "y", count: 255)) != nil)
    #expect(DBusSignature(String(repeating: "y", count: 256)) == nil)
  }

  @Test func completeTypesAreSplit() {
    let signature: DBusSignature = "sa{sv}(ii)ay"
    #expect(signature.completeTypes.map(\.text) == ["s", "a{sv}", "(ii)", "ay"])
  }

  @Test(arguments: ["/", "/a", "/a/b_1"])
  func validPaths(_ text: String) {
    #expect(ObjectPath(text)?.text == text)
  }

  @Test(arguments: ["", "a", "/a/", "//", "/a//b", "/a-b", "/é", "/a\0"])
  func invalidPaths(_ text: String) {
    #expect(ObjectPath(text) == nil)
  }

  @Test func pathsKnowTheirRelatives() {
    let path: ObjectPath = "/org/bluez/hci0"
    #expect(path.isWithin("/org/bluez") && path.isWithin("/") && path.isWithin(path))
    #expect(!path.isWithin("/org/blue") && !path.isWithin("/org/bluez/hci0/dev"))
    #expect(path.parent == "/org/bluez" && (("/a" as ObjectPath).parent == .root) && ObjectPath.root.parent == nil)
    #expect(path.appending("a:b").text == "/org/bluez/hci0/a_b")
    #expect(path.lastElement == "hci0")
  }

  @Test func matchRulesQuoteTheirValues() {
    let rule = MatchRule(sender: "org.bluez", pathNamespace: "/org", firstArgument: "it's")
    #expect(rule.text == #"type='signal',sender='org.bluez',path_namespace='/org',arg0='it'\''s'"#)
  }

  @Test func accessorsOfTheWrongTypeAreNil() {
    let value = DBusValue.variant(.variant(.uint16(7)))
    #expect(value.asUInt16 == 7)
    #expect(value.asString == nil && value.asUInt32 == nil && value.asBytes == nil && value.asProperties == nil)
    #expect(DBusValue.string("x").asArray == nil && DBusValue.array([], of: "s").asStrings == [])
    #expect(DBusValue.array([], of: "u").asStrings == nil)
  }
}
