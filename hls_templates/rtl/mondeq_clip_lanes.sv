// The proximal operator, or its reflection, of a vector's rows, Lanes of them at once: see mondeq_clip.
//
// Rows that share constants are of one kind.  Where there is one kind, or one group of rows, a lane has constants;
// otherwise it reads them from a table beside its words, which come Latency cycles after the number of their group.
module mondeq_clip_lanes #(
  parameter int Rows = mondeq_pkg::StateWords,
  parameter int Lanes = 1,
  parameter int Latency = 2,
  parameter int StateBits = mondeq_pkg::StateBits,
  parameter int WordBits = 8,
  parameter bit Reflect = 1'b1,
  parameter int Kinds = mondeq_pkg::ClipKinds,
  localparam int KindBits = (Kinds > 1) ? $clog2(Kinds) : 1,
  parameter bit [Rows*KindBits-1:0] RowKinds = mondeq_pkg::ClipRowKinds,
  parameter bit [Kinds*StateBits-1:0] Lowers = mondeq_pkg::ClipLowers,
  parameter bit [Kinds*StateBits-1:0] Uppers = mondeq_pkg::ClipUppers,
  parameter bit [Kinds-1:0] Below = mondeq_pkg::ClipBelow,
  parameter bit [Kinds-1:0] Above = mondeq_pkg::ClipAbove,
  parameter bit [Kinds-1:0] Complements = mondeq_pkg::ClipComplements,
  localparam int Groups = (Rows + Lanes - 1) / Lanes,
  localparam int GroupBits = (Groups > 1) ? $clog2(Groups) : 1
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic [GroupBits-1:0]       group_i,
  input  logic [Lanes*StateBits-1:0] state_i,  // Latency cycles after group_i
  output logic [Lanes*WordBits-1:0]  word_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Lanes < 1 || Lanes > Rows) begin : g_wrong_lanes
    mondeq_error_clip_beyond_the_rows u_error ();
  end
  if (Kinds < 1 || Latency < 1) begin : g_wrong_table
    mondeq_error_clip_table u_error ();
  end

  if (Kinds == 1 || Groups == 1) begin : g_constants
    logic unused;
    assign unused = ^{clk_i, rst_ni, group_i};

    for (genvar i = 0; i < Lanes; i++) begin : g_lane
      localparam int Kind = (Kinds == 1) ? 0 : int'(RowKinds[i*KindBits+:KindBits]);
      mondeq_clip #(
        .StateBits (StateBits),
        .WordBits  (WordBits),
        .Reflect   (Reflect),
        .Below     (Below[Kind]),
        .Above     (Above[Kind]),
        .Complement(Complements[Kind])
      ) u_clip (
        .state_i     (state_i[i*StateBits+:StateBits]),
        .lower_i     (Lowers[Kind*StateBits+:StateBits]),
        .upper_i     (Uppers[Kind*StateBits+:StateBits]),
        .complement_i(Complements[Kind]),
        .word_o      (word_o[i*WordBits+:WordBits])
      );
    end
  end else begin : g_table
    // Lanes beyond the last row hold zero, which every kind keeps.
    localparam bit [Groups*Lanes*KindBits-1:0] Table = (Groups * Lanes * KindBits)'(RowKinds);
    logic [GroupBits-1:0] group;

    mondeq_delay #(
      .Width(GroupBits),
      .Depth(Latency - 1)
    ) u_group (
      .clk_i,
      .rst_ni,
      .data_i(group_i),
      .data_o(group)
    );

    for (genvar i = 0; i < Lanes; i++) begin : g_lane
      logic [StateBits-1:0] lower, lower_q, upper, upper_q;
      logic complement, complement_q;

      // Constants for each group: bits in which the kinds agree, or differ alike, become one in synthesis.
      always_comb begin
        lower = '0;
        upper = '0;
        complement = 1'b0;
        for (int g = 0; g < Groups; g++) begin
          if (group == GroupBits'(g)) begin
            lower = Lowers[int'(Table[(g*Lanes+i)*KindBits+:KindBits])*StateBits+:StateBits];
            upper = Uppers[int'(Table[(g*Lanes+i)*KindBits+:KindBits])*StateBits+:StateBits];
            complement = Complements[Table[(g*Lanes+i)*KindBits+:KindBits]];
          end
        end
      end

      always_ff @(posedge clk_i) begin
        lower_q <= lower;
        upper_q <= upper;
        complement_q <= complement;
      end

      mondeq_clip #(
        .StateBits (StateBits),
        .WordBits  (WordBits),
        .Reflect   (Reflect),
        .Below     (Below != '0),
        .Above     (Above != '0),
        .Complement(Complements != '0)
      ) u_clip (
        .state_i     (state_i[i*StateBits+:StateBits]),
        .lower_i     (lower_q),
        .upper_i     (upper_q),
        .complement_i(complement_q),
        .word_o      (word_o[i*WordBits+:WordBits])
      );
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_address (.clk_i, .rst_ni(1'b1), .holds_i(int'(group_i) < Groups));
`endif

endmodule
