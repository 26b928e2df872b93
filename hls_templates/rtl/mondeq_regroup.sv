// Banks of vectors, written WriteWords and read ReadWords words at a time.  Words are there two cycles after their
// address: block RAMs are slow, so nothing but a register follows them.  With RegisterAddress it takes three, and the
// reader may be far away; with RegisterWrite narrow words are written a cycle later, and the writer may be.
//
// The words lie in simple dual-port memories: one per narrow group of a wide one when one width divides the other;
// otherwise one per word of the wider, and the narrower's are turned to their places.  Lanes beyond the vector's length
// read as zero: a 1-bit weight has no zero that could mask them.  A bank is never read while it is written, which Yosys
// is told: it would add a bypass behind the block RAM.
module mondeq_regroup #(
  parameter int Words = 1,
  parameter int WordBits = 8,
  parameter int Banks = 2,
  parameter int WriteWords = 1,
  parameter int ReadWords = 1,
  parameter bit RegisterAddress = 1'b0,
  parameter bit RegisterWrite = 1'b0,
  localparam int WriteGroups = (Words + WriteWords - 1) / WriteWords,
  localparam int ReadGroups = (Words + ReadWords - 1) / ReadWords,
  localparam int BankBits = (Banks > 1) ? $clog2(Banks) : 1,
  localparam int WriteGroupBits = (WriteGroups > 1) ? $clog2(WriteGroups) : 1,
  localparam int ReadGroupBits = (ReadGroups > 1) ? $clog2(ReadGroups) : 1
) (
  input  logic                           clk_i,
  input  logic                           write_i,
  input  logic [BankBits-1:0]            write_bank_i,
  input  logic [WriteGroupBits-1:0]      write_group_i,
  input  logic [WriteWords*WordBits-1:0] write_data_i,
  input  logic [BankBits-1:0]            read_bank_i,
  input  logic [ReadGroupBits-1:0]       read_group_i,
  output logic [ReadWords*WordBits-1:0]  read_data_o
);

  localparam int WriteBits = WriteWords * WordBits;
  localparam int ReadBits = ReadWords * WordBits;

  // Wrong parameters do not elaborate: there is no such module.
  if (Words < 1 || WordBits < 1 || Banks < 1) begin : g_wrong_size
    mondeq_error_regroup_of_nothing u_error ();
  end
  if (WriteWords < 1 || WriteWords > Words || ReadWords < 1 || ReadWords > Words) begin : g_wrong_groups
    mondeq_error_regroup_beyond_the_vector u_error ();
  end

  logic [BankBits-1:0] bank;
  // Narrow groups have their table before the register.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [ReadGroupBits-1:0] group;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [ReadBits-1:0] read_data;  // two cycles after them

  if (RegisterAddress) begin : g_address
    always_ff @(posedge clk_i) begin
      bank  <= read_bank_i;
      group <= read_group_i;
    end
  end else begin : g_direct
    assign bank = read_bank_i;
    assign group = read_group_i;
  end

  if (ReadWords % WriteWords == 0) begin : g_widen
    localparam int Chunks = ReadWords / WriteWords;
    logic [ReadGroupBits-1:0] high, write_row;
    logic [Chunks-1:0] enable, write;
    logic [BankBits-1:0] write_bank;
    logic [WriteBits-1:0] write_data;

    // A constant table rather than a divider.
    always_comb begin
      high = '0;
      enable = '0;
      for (int g = 0; g < WriteGroups; g++) begin
        if (write_group_i == WriteGroupBits'(g)) begin
          high = ReadGroupBits'(g / Chunks);
          enable[g%Chunks] = write_i;
        end
      end
    end

    // Registered behind the table, which is the slower part.
    if (RegisterWrite) begin : g_write
      always_ff @(posedge clk_i) begin
        write      <= enable;
        write_row  <= high;
        write_bank <= write_bank_i;
        write_data <= write_data_i;
      end
    end else begin : g_write_direct
      assign write = enable;
      assign write_row = high;
      assign write_bank = write_bank_i;
      assign write_data = write_data_i;
    end

    for (genvar c = 0; c < Chunks; c++) begin : g_chunk
      (* no_rw_check *)
      logic [WriteBits-1:0] memory[1<<(BankBits+ReadGroupBits)];
      always_ff @(posedge clk_i) begin
        if (write[c]) memory[{write_bank, write_row}] <= write_data;
      end
      logic [WriteBits-1:0] word_q;
      always_ff @(posedge clk_i) begin
        word_q <= memory[{bank, group}];
`ifdef MONDEQ_ASSERT
        if (write[c] && ({write_bank, write_row} == {bank, group})) word_q <= ~write_data;  // what Yosys may do
`endif
        read_data[c*WriteBits+:WriteBits] <= word_q;
      end
    end
  end else if (WriteWords % ReadWords == 0) begin : g_narrow
    localparam int Chunks = WriteWords / ReadWords;
    localparam int LowBits = $clog2(Chunks);
    logic [WriteGroupBits-1:0] high, row;
    logic [LowBits-1:0] low, chunk, low_q1, low_q2;
    logic [WriteBits-1:0] wide_q1, wide_q2;

    always_comb begin
      high = '0;
      low = '0;
      for (int g = 0; g < ReadGroups; g++) begin
        if (read_group_i == ReadGroupBits'(g)) begin
          high = WriteGroupBits'(g / Chunks);
          low = LowBits'(g % Chunks);
        end
      end
    end

    // Registered behind the table, which is the slower part.
    if (RegisterAddress) begin : g_row
      always_ff @(posedge clk_i) begin
        row   <= high;
        chunk <= low;
      end
    end else begin : g_row_direct
      assign row = high;
      assign chunk = low;
    end

    (* no_rw_check *)
    logic [WriteBits-1:0] memory[1<<(BankBits+WriteGroupBits)];
    always_ff @(posedge clk_i) begin
      if (write_i) memory[{write_bank_i, write_group_i}] <= write_data_i;
    end
    always_ff @(posedge clk_i) begin
      wide_q1 <= memory[{bank, row}];
`ifdef MONDEQ_ASSERT
      if (write_i && ({write_bank_i, write_group_i} == {bank, row})) wide_q1 <= ~write_data_i;  // what Yosys may do
`endif
      wide_q2 <= wide_q1;
      low_q1  <= chunk;
      low_q2  <= low_q1;
    end
    always_comb begin
      read_data = '0;
      for (int c = 0; c < Chunks; c++) begin
        if (low_q2 == LowBits'(c)) read_data = wide_q2[c*ReadBits+:ReadBits];
      end
    end
  end else begin : g_turned
    // Word k lies in memory k mod Lanes: of a group of either width every word has a memory of its own.  The wide
    // side's words are where they are, the narrow side's are turned there by steps of one word, two, four ...
    localparam bit Widens = ReadWords > WriteWords;
    localparam int Lanes = Widens ? ReadWords : WriteWords;
    localparam int Narrow = Widens ? WriteWords : ReadWords;
    localparam int Groups = Widens ? WriteGroups : ReadGroups;  // of the narrow side
    localparam int GroupBits = Widens ? WriteGroupBits : ReadGroupBits;
    localparam int RowBits = Widens ? ReadGroupBits : WriteGroupBits;
    localparam int TurnBits = $clog2(Lanes);
    logic [GroupBits-1:0] narrow_group;
    // A wide write uses every lane.
    /* verilator lint_off UNUSEDSIGNAL */
    logic [Lanes-1:0] lane_used;
    /* verilator lint_on UNUSEDSIGNAL */
    logic [Lanes-1:0] write;
    logic [Lanes*RowBits-1:0] lane_row, write_row, read_row;
    logic [TurnBits-1:0] first_lane;
    logic [BankBits-1:0] write_bank;
    logic [Lanes*WordBits-1:0] to_write, wide_q2;  // by memory

    // A constant table rather than a divider.
    assign narrow_group = Widens ? GroupBits'(write_group_i) : GroupBits'(read_group_i);
    always_comb begin
      lane_used = '0;
      lane_row = '0;
      first_lane = '0;
      for (int g = 0; g < Groups; g++) begin
        if (narrow_group == GroupBits'(g)) begin
          first_lane = TurnBits'((g * Narrow) % Lanes);
          for (int k = g * Narrow; (k < (g + 1) * Narrow) && (k < Words); k++) begin
            lane_used[k%Lanes] = 1'b1;
            lane_row[(k%Lanes)*RowBits+:RowBits] = RowBits'(k / Lanes);
          end
        end
      end
    end

    if (Widens) begin : g_spread
      logic [TurnBits-1:0] turn;
      logic [WriteBits-1:0] narrow;

      // Registered behind the table, which is the slower part.
      if (RegisterWrite) begin : g_write
        always_ff @(posedge clk_i) begin
          write      <= lane_used & {Lanes{write_i}};
          write_row  <= lane_row;
          write_bank <= write_bank_i;
          narrow     <= write_data_i;
          turn       <= first_lane;
        end
      end else begin : g_write_direct
        assign write = lane_used & {Lanes{write_i}};
        assign write_row = lane_row;
        assign write_bank = write_bank_i;
        assign narrow = write_data_i;
        assign turn = first_lane;
      end

      always_comb begin
        to_write = (Lanes * WordBits)'(narrow);
        for (int b = 0; b < TurnBits; b++) begin
          if (turn[b]) begin
            to_write = (to_write << ((1 << b) * WordBits)) | (to_write >> ((Lanes - (1 << b)) * WordBits));
          end
        end
      end
      assign read_row  = {Lanes{group}};
      assign read_data = wide_q2;
    end else begin : g_gather
      logic [Lanes*RowBits-1:0] row;
      logic [TurnBits-1:0] turn, turn_q1, turn_q2;
      logic [Lanes*WordBits-1:0] turned;

      // Registered behind the table, which is the slower part.
      if (RegisterAddress) begin : g_row
        always_ff @(posedge clk_i) begin
          row  <= lane_row;
          turn <= first_lane;
        end
      end else begin : g_row_direct
        assign row  = lane_row;
        assign turn = first_lane;
      end

      always_ff @(posedge clk_i) begin
        turn_q1 <= turn;
        turn_q2 <= turn_q1;
      end
      always_comb begin
        turned = wide_q2;
        for (int b = 0; b < TurnBits; b++) begin
          if (turn_q2[b]) begin
            turned = (turned >> ((1 << b) * WordBits)) | (turned << ((Lanes - (1 << b)) * WordBits));
          end
        end
      end
      assign read_data = turned[ReadBits-1:0];
      assign read_row = row;
      assign write = {Lanes{write_i}};
      assign write_row = {Lanes{write_group_i}};
      assign write_bank = write_bank_i;
      assign to_write = write_data_i;
    end

    for (genvar c = 0; c < Lanes; c++) begin : g_lane
      (* no_rw_check *)
      logic [WordBits-1:0] memory[1<<(BankBits+RowBits)];
      logic [BankBits+RowBits-1:0] write_address, read_address;
      logic [WordBits-1:0] word_q;
      assign write_address = {write_bank, write_row[c*RowBits+:RowBits]};
      assign read_address  = {bank, read_row[c*RowBits+:RowBits]};
      always_ff @(posedge clk_i) begin
        if (write[c]) memory[write_address] <= to_write[c*WordBits+:WordBits];
      end
      always_ff @(posedge clk_i) begin
        word_q <= memory[read_address];
`ifdef MONDEQ_ASSERT
        if (write[c] && (write_address == read_address)) word_q <= ~to_write[c*WordBits+:WordBits];  // what Yosys may do
`endif
        wide_q2[c*WordBits+:WordBits] <= word_q;
      end
    end
  end

  // The last group's lanes beyond the vector.
  if (ReadGroups * ReadWords > Words) begin : g_mask
    localparam int LastWords = Words - (ReadGroups - 1) * ReadWords;
    logic last_q1, last_q2;
    always_ff @(posedge clk_i) begin
      last_q1 <= group == ReadGroupBits'(ReadGroups - 1);
      last_q2 <= last_q1;
    end
    assign read_data_o = last_q2 ? ReadBits'(read_data[LastWords*WordBits-1:0]) : read_data;
  end else begin : g_whole
    assign read_data_o = read_data;
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_write_address (
    .clk_i,
    .rst_ni(1'b1),
    .holds_i(!write_i || ((int'(write_bank_i) < Banks) && (int'(write_group_i) < WriteGroups)))
  );
  mondeq_assert u_read_address (
    .clk_i,
    .rst_ni(1'b1),
    .holds_i((int'(read_bank_i) < Banks) && (int'(read_group_i) < ReadGroups))
  );
`endif

endmodule
