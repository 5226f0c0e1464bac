/// Bytes as words that people say to each other: the two-syllable half of the PGP word list (Juola and Zimmermann,
/// 1995), whose words were chosen to sound unlike each other.
enum CodeWords {
  static let words: [String] = """
    aardvark absurd accrue acme adrift adult afflict ahead aimless algol allow alone ammo ancient apple artist
    assume athens atlas aztec baboon backfield backward banjo beaming bedlamp beehive beeswax befriend belfast
    berserk billiard bison blackjack blockade blowtorch bluebird bombast bookshelf brackish breadline breakup
    brickyard briefcase burbank button buzzard cement chairlift chatter checkup chisel choking chopper christmas
    clamshell classic classroom cleanup clockwork cobra commence concert cowbell crackdown cranky crowfoot crucial
    crumpled crusade cubic dashboard deadbolt deckhand dogsled dragnet drainage dreadful drifter dropper drumbeat
    drunken dupont dwelling eating edict egghead eightball endorse endow enlist erase escape exceed eyeglass
    eyetooth facial fallout flagpole flatfoot flytrap fracture framework freedom frighten gazelle geiger glitter
    glucose goggles goldfish gremlin guidance hamlet highchair hockey indoors indulge inverse involve island
    jawbone keyboard kickoff kiwi klaxon locale lockup merit minnow miser mohawk mural music necklace neptune
    newborn nightbird oakland obtuse offload optic orca payday peachy pheasant physique playhouse pluto preclude
    prefer preshrunk printer prowler pupil puppy python quadrant quiver quota ragtime ratchet rebirth reform regain
    reindeer rematch repay retouch revenge reward rhythm ribcage ringbolt robust rocker ruffled sailboat sawdust
    scallion scenic scorecard scotland seabird select sentence shadow shamrock showgirl skullcap skydive slingshot
    slowdown snapline snapshot snowcap snowslide solo southward soybean spaniel spearhead spellbind spheroid spigot
    spindle spyglass stagehand stagnate stairway standard stapler steamship sterling stockman stopwatch stormy
    sugar surmount suspense sweatband swelter tactics talon tapeworm tempest tiger tissue tonic topmost tracker
    transit trauma treadmill trojan trouble tumor tunnel tycoon uncut unearth unwind uproot upset upshot vapor
    village virus vulcan waffle wallet watchword wayside willow woodlark zulu
    """.split(whereSeparator: \.isWhitespace).map(String.init)

  static func text(of bytes: some Sequence<UInt8>) -> String { bytes.map { words[Int($0)] }.joined(separator: "-") }

  /// Words in either case, with spaces or hyphens between them; `nil` when one is none of the list's, or there are more
  /// or fewer than `count`.
  static func bytes(of text: String, count: Int) -> [UInt8]? {
    let parts = text.lowercased().split { $0 == "-" || $0.isWhitespace }
    let bytes = parts.compactMap { part in words.firstIndex { $0 == part }.map { UInt8($0) } }
    return bytes.count == count && parts.count == count ? bytes : nil
  }
}
